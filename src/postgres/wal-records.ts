import { formatLsn, type Lsn } from './lsn.ts';
import { LONG_HEADER_LENGTH } from './wal-page.ts';
import { readPageJoint, WalPageSequence } from './wal-page-header.ts';
import { WalPageWindow } from './wal-page-window.ts';
import { WalCrossingRecord } from './wal-crossing-record.ts';
import { WalRecordChecksum } from './wal-record-checksum.ts';
import {
  LONGEST_RECORD,
  ReadRecord,
  RECORD_HEADER_LENGTH,
  type WalPlace,
  type WalRecord,
} from './wal-record.ts';

const LENGTH_FIELD = 4;
const ZEROS = Buffer.alloc(LONG_HEADER_LENGTH);

/** Where the log ends, and how one knows. */
export interface WalEnd {
  /**
   * Everything before it is complete records (and what belongs to them: page headers, the rest of a segment behind a
   * switch). The beginning of the record that is broken or unfinished, or of everything when that one began earlier.
   */
  readonly position: Lsn;
  /**
   * `out of bytes`: more of them might go on; `zeros`: nothing was written here; `invalid`: something else than the log's
   * next bytes, such as a torn write, damage, or an old segment that is used again.
   */
  readonly reason: 'out of bytes' | 'zeros' | 'invalid';
  /** What is wrong, for a message. */
  readonly detail?: string;
}

export interface WalRecordReaderOptions {
  /**
   * Position of the first byte pushed, at the beginning of a page. The rest of a record that began before it is passed
   * over. Pages have the length that the segment's first page says, 8 KiB when reading begins behind that one.
   */
  readonly start: Lsn;
  readonly segmentSize: number;
  /** `crc` verifies every byte of every record, `headers` only lengths, page headers and the links between records. */
  readonly check: 'crc' | 'headers';
  /** Major version of the server: pages must have its magic number, when this release knows it. */
  readonly major?: number;
}

/** A record that was read; `onward`: none yet, but something was read; `starved`: more bytes of this page are needed. */
type Step = ReadRecord | 'onward' | 'starved';

/**
 * Finds the records in consecutive bytes of the log, by the rules of xlogreader.c. Holds one page and one record at most.
 * Bytes behind a record up to the next multiple of 8, and behind a switch up to the end of its segment, mean nothing and are
 * not looked at.
 */
export class WalRecordReader {
  readonly #start: Lsn;
  readonly #pages: WalPageSequence;
  readonly #window: WalPageWindow;
  readonly #checksum: WalRecordChecksum | undefined;
  readonly #crossing = new WalCrossingRecord();
  /** Address of the page in the window, and its halves: links are compared for every record, without bigints. */
  #page: Lsn;
  #pageHigh: number;
  #pageLow: number;
  /** Offset in the page of what is read next. */
  #at = 0;
  /** Bytes still to come of a record that goes on in further pages; it is passed over when it began before `start`. */
  #remaining = 0;
  /** Where a record began whose rest was overwritten, until the record in its place proves that. */
  #overwritten: Lsn | undefined;
  /** A switch was read: the rest of the segment is no log. */
  #switched = false;
  #last: ReadRecord | undefined;
  #lastHigh = 0;
  #lastLow = 0;
  #ended: WalEnd | undefined;

  constructor({ start, segmentSize, check, major }: WalRecordReaderOptions) {
    this.#start = start;
    this.#page = start;
    this.#pages = new WalPageSequence(segmentSize, major);
    // of a page whose length is unknown nothing but its header may be looked at
    this.#window = new WalPageWindow(
      this.#pages.beginsSegment(start) ? LONG_HEADER_LENGTH : this.#pages.pageLength,
    );
    this.#checksum = check === 'crc' ? new WalRecordChecksum() : undefined;
    this.#pageHigh = Number(start >> 32n);
    this.#pageLow = Number(start & 0xffffffffn);
  }

  /**
   * Reads the next bytes of the log, pieces of any size.
   * @returns the records completed by them. They are read while one iterates; leaving early passes over the others of this
   *   piece. Iterate before the next piece is pushed, or before the bytes change.
   */
  *push(bytes: Buffer): Generator<WalRecord, undefined> {
    this.#window.offer(bytes);
    try {
      for (let record = this.#next(); record !== undefined; record = this.#next()) yield record;
    } finally {
      while (this.#next() !== undefined);
    }
  }

  /** The last complete record; `undefined` before the first. */
  get last(): { readonly start: Lsn; readonly end: Lsn } | undefined {
    return this.#last === undefined ? undefined : { start: this.#last.start, end: this.#last.end };
  }

  /** The first bytes of a record that goes on behind what was pushed; undefined where none does, or begins elsewhere. */
  get unfinished(): Buffer | undefined {
    const { start, bytes, length } = this.#crossing;
    return start === undefined ? undefined : bytes.subarray(0, length);
  }

  /** Set once it met something that is not the log's next bytes; nothing is read after it. */
  get ended(): WalEnd | undefined {
    return this.#ended;
  }

  /** Where the log ends if no more bytes come. */
  get end(): WalEnd {
    return this.#ended ?? { position: this.#complete(), reason: 'out of bytes' };
  }

  #next(): ReadRecord | undefined {
    const window = this.#window;
    while (this.#ended === undefined) {
      const step = this.#step();
      if (step === 'starved') {
        if (window.load()) continue;
        window.keep();
        return undefined;
      }
      if (step !== 'onward') return step;
    }
    return undefined;
  }

  #step(): Step {
    if (this.#at === 0) return this.#enterPage();
    if (this.#at >= this.#window.length) return this.#leavePage();
    return this.#remaining > 0 ? this.#continueRecord() : this.#readRecord();
  }

  #leavePage(): Step {
    // the last record may be complete while its padding is not
    if (this.#window.filled < this.#window.length) return 'starved';
    this.#window.turn();
    this.#page += BigInt(this.#window.length);
    this.#pageHigh = Number(this.#page >> 32n);
    this.#pageLow = Number(this.#page & 0xffffffffn);
    this.#at = 0;
    return 'onward';
  }

  #enterPage(): Step {
    const window = this.#window;
    this.#switched &&= !this.#pages.beginsSegment(this.#page);
    if (this.#switched) return this.#passOver();
    const length = this.#pages.headerLength(this.#page);
    if (window.filled < length) return 'starved';
    const header = window.bytes.subarray(window.offset, window.offset + length);
    if (isZero(header)) return this.#stop('zeros');
    const problem = this.#pages.add(header, this.#page) ?? this.#join(header);
    if (problem !== undefined) return this.#stop('invalid', problem);
    window.length = this.#pages.pageLength;
    this.#at = length;
    return 'onward';
  }

  /** Goes on where the page before ended; gives what is wrong when the page does not. */
  #join(header: Buffer): string | undefined {
    const { continues, overwrites, remaining } = readPageJoint(header);
    if (overwrites && !continues) {
      if (this.#crossing.start !== undefined) this.#overwritten ??= positionOf(this.#crossing.start);
      this.#crossing.end();
      this.#remaining = 0;
      return undefined;
    }
    const found = continues ? remaining : 0;
    if (this.#page === this.#start && found <= LONGEST_RECORD) this.#remaining = found;
    if (found === this.#remaining && continues === found > 0) return undefined;
    return `the page at ${formatLsn(this.#page)} begins with ${found} bytes of an earlier record, not with ${this.#remaining}`;
  }

  #readRecord(): Step {
    const { bytes, offset, filled, length } = this.#window;
    const at = this.#at;
    const from = offset + at;
    const available = filled - at;
    if (available < LENGTH_FIELD) return 'starved';
    const total = bytes.readUInt32LE(from);
    if (total < RECORD_HEADER_LENGTH || total > LONGEST_RECORD) return this.#noRecord(total);
    if (total > length - at) {
      this.#crossing.begin({ page: this.#page, at });
      this.#remaining = total;
      return 'onward';
    }
    if (available < RECORD_HEADER_LENGTH) return 'starved';
    if (!this.#isLinked(bytes, from)) return this.#unlinked();
    if (available < total) return 'starved';
    if (this.#checksum?.matches(bytes, from, total) === false) return this.#damaged();
    this.#at = align(at + total);
    this.#lastHigh = this.#pageHigh;
    this.#lastLow = this.#pageLow + at;
    const page = this.#page;
    return this.#accept(new ReadRecord(bytes, from, { page, at }, { page, at: this.#at }));
  }

  #continueRecord(): Step {
    const { bytes, offset, filled } = this.#window;
    const crossing = this.#crossing;
    const from = offset + this.#at;
    const taken = Math.min(filled - this.#at, this.#remaining);
    if (taken <= 0) return 'starved';
    if (crossing.start !== undefined) crossing.append(bytes, from, from + taken);
    // only once it is known to be no record of the log, so that it is still its beginning where the log ends
    if (crossing.start !== undefined && crossing.length >= RECORD_HEADER_LENGTH) {
      if (!this.#isLinked(crossing.bytes, 0)) return this.#unlinked();
    }
    this.#at += taken;
    this.#remaining -= taken;
    return this.#remaining > 0 ? 'onward' : this.#completeRecord();
  }

  #completeRecord(): Step {
    const { start, bytes, length } = this.#crossing;
    if (start !== undefined && this.#checksum?.matchesInPlace(bytes, length) === false)
      return this.#damaged();
    this.#crossing.end();
    this.#at = align(this.#at);
    if (start === undefined) return 'onward';
    const position = positionOf(start);
    this.#lastHigh = Number(position >> 32n);
    this.#lastLow = Number(position & 0xffffffffn);
    return this.#accept(new ReadRecord(bytes, 0, start, { page: this.#page, at: this.#at }));
  }

  #accept(record: ReadRecord): Step {
    this.#last = record;
    this.#overwritten = undefined;
    if (record.endsSegment) {
      this.#switched = true;
      this.#passOver();
    }
    return record;
  }

  #passOver(): Step {
    this.#at = this.#window.length;
    return 'onward';
  }

  /**
   * Whether the header at `from` names the record before: an old record in its place would name another. Of the first one
   * only so much is known that it names an earlier one than itself, or than the broken one in whose place it stands.
   */
  #isLinked(bytes: Buffer, from: number): boolean {
    if (this.#last === undefined) return bytes.readBigUInt64LE(from + 8) < this.#complete();
    return bytes.readUInt32LE(from + 8) === this.#lastLow && bytes.readUInt32LE(from + 12) === this.#lastHigh;
  }

  #noRecord(total: number): Step {
    const { bytes, offset, filled, length } = this.#window;
    const needed = Math.min(RECORD_HEADER_LENGTH, length - this.#at);
    if (total === 0 && filled - this.#at < needed) return 'starved';
    const from = offset + this.#at;
    if (isZero(bytes.subarray(from, from + needed))) return this.#stop('zeros');
    return this.#stop('invalid', `the record at ${this.#place()} says it has ${total} bytes`);
  }

  #unlinked(): Step {
    return this.#stop('invalid', `the record at ${this.#place()} does not follow the one before it`);
  }

  #damaged(): Step {
    return this.#stop('invalid', `the record at ${this.#place()} does not match its checksum`);
  }

  #stop(reason: 'zeros' | 'invalid', detail?: string): Step {
    this.#ended = { position: this.#complete(), reason, ...(detail === undefined ? {} : { detail }) };
    return 'onward';
  }

  #place(): string {
    return formatLsn(this.#recordStart());
  }

  /** Everything before this position is complete. */
  #complete(): Lsn {
    return this.#overwritten ?? this.#recordStart();
  }

  /** Where the record begins that is being read. */
  #recordStart(): Lsn {
    const { start } = this.#crossing;
    if (start !== undefined) return positionOf(start);
    if (this.#remaining > 0) return this.#start;
    return this.#page + BigInt(this.#switched ? this.#window.filled : this.#at);
  }
}

function positionOf({ page, at }: WalPlace): Lsn {
  return page + BigInt(at);
}

function isZero(bytes: Buffer): boolean {
  return ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}

/** Records begin at multiples of 8. */
function align(offset: number): number {
  return (offset + 7) & ~7;
}
