import { crc32c } from '../../src/crc32c.ts';

/** What a hand-made log is made of. */
export interface WalLogOptions {
  /** Position of its first byte, at the beginning of a segment. */
  readonly start: bigint;
  readonly segmentSize: number;
  readonly blockSize: number;
}

export interface WrittenRecord {
  readonly start: bigint;
  readonly end: bigint;
  /** Its own start, or that of the broken record in whose place it stands. */
  readonly from: bigint;
  /** Position behind its last byte, before the padding. */
  readonly stop: bigint;
  readonly resourceManager: number;
  readonly info: number;
  readonly transaction: number;
  readonly bytes: Buffer;
}

export interface RecordContent {
  readonly resourceManager: number;
  readonly info: number;
  readonly transaction: number;
  /** What stands behind the header. */
  readonly data: Uint8Array;
}

const LONG = 0x0002;
const CONTINUES = 0x0001;
const OVERWRITES = 0x0008;

/** Writes a log as the server does, page by page. Independent of the code under test, but for the checksum's. */
export class WalLog {
  readonly records: WrittenRecord[] = [];
  timeline = 1;
  readonly #options: WalLogOptions;
  #bytes = Buffer.alloc(0);
  #length = 0;
  #previous = 0n;
  #broken: bigint | undefined;

  constructor(options: WalLogOptions) {
    this.#options = options;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds a whole record. */
  add(content: RecordContent): void {
    this.#write(content, Number.POSITIVE_INFINITY);
  }

  /** Adds a switch and the zeros behind it. */
  addSwitch(): void {
    this.add({ resourceManager: 0, info: 0x40, transaction: 0, data: new Uint8Array() });
    const { segmentSize } = this.#options;
    this.#grow(Math.ceil(this.#length / segmentSize) * segmentSize);
  }

  /** Begins a record that ends with the `pages`th page; the page after it says that the rest was overwritten. */
  addBroken(content: RecordContent, pages: number): void {
    const { blockSize } = this.#options;
    const longer = {
      ...content,
      data: Buffer.concat([content.data, Buffer.alloc(blockSize * (pages + 1), 7)]),
    };
    this.#write(longer, pages);
    this.#openPage(OVERWRITES, 0);
  }

  addZeros(length: number): void {
    this.#grow(this.#length + length);
  }

  #write(content: RecordContent, pages: number): void {
    if (this.#length % this.#options.blockSize === 0) this.#openPage(0, 0);
    const start = this.#options.start + BigInt(this.#length);
    const bytes = makeRecord(content, this.#previous);
    let written = 0;
    for (let page = 1; ; page++) {
      const room = this.#options.blockSize - (this.#length % this.#options.blockSize);
      const part = bytes.subarray(written, written + room);
      this.#append(part);
      written += part.length;
      if (page >= pages) {
        this.#broken ??= start;
        return;
      }
      if (written === bytes.length) break;
      this.#openPage(CONTINUES, bytes.length - written);
    }
    const stop = this.#options.start + BigInt(this.#length);
    this.#grow(Math.ceil(this.#length / 8) * 8);
    this.#previous = start;
    const { resourceManager, info, transaction } = content;
    const end = this.#options.start + BigInt(this.#length);
    this.records.push({
      start,
      end,
      from: this.#broken ?? start,
      stop,
      resourceManager,
      info,
      transaction,
      bytes,
    });
    this.#broken = undefined;
  }

  #openPage(flags: number, remaining: number): void {
    const { start, segmentSize, blockSize } = this.#options;
    const long = this.#length % segmentSize === 0;
    const header = Buffer.alloc(long ? 40 : 24);
    header.writeUInt16LE(0xd116, 0);
    header.writeUInt16LE(flags | (long ? LONG : 0), 2);
    header.writeUInt32LE(this.timeline, 4);
    header.writeBigUInt64LE(start + BigInt(this.#length), 8);
    header.writeUInt32LE(remaining, 16);
    if (long) {
      header.writeBigUInt64LE(7711013837087516379n, 24);
      header.writeUInt32LE(segmentSize, 32);
      header.writeUInt32LE(blockSize, 36);
    }
    this.#append(header);
  }

  #append(bytes: Buffer): void {
    const at = this.#length;
    this.#grow(at + bytes.length);
    bytes.copy(this.#bytes, at);
  }

  #grow(length: number): void {
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#length = length;
  }
}

/** A record with its header and checksum. */
export function makeRecord(
  { resourceManager, info, transaction, data }: RecordContent,
  previous: bigint,
): Buffer {
  const record = Buffer.concat([Buffer.alloc(24), data]);
  record.writeUInt32LE(record.length, 0);
  record.writeUInt32LE(transaction, 4);
  record.writeBigUInt64LE(previous, 8);
  record.writeUInt8(info, 16);
  record.writeUInt8(resourceManager, 17);
  record.writeUInt32LE(crc32c(Buffer.concat([data, record.subarray(0, 20)])), 20);
  return record;
}
