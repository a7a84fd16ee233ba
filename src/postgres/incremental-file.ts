import { LarderError } from '../errors.ts';

/** Stands before the file name of a relation of which the server sent changed blocks only (basebackup_incremental.h). */
const PREFIX = 'INCREMENTAL.';
const MAGIC = 0xd3ae1f0d;
const FIXED_LENGTH = 12;
/** One for all of the many files in which nothing changed. */
export const NO_BLOCKS = new Uint32Array();

/**
 * The path of the relation file that an incremental file belongs to; `undefined` for every other path. Only relation files
 * come so: in base/<database>, global, and the databases of a tablespace.
 */
export function relationOfIncrementalFile(path: string): string | undefined {
  const match = /^((?:base\/\d+|global|pg_tblspc\/\d+\/PG_[^/]+\/\d+)\/)INCREMENTAL\.([^/]+)$/.exec(path);
  return match === null ? undefined : `${match[1]}${match[2]}`;
}

/** The reverse: what the incremental file of a relation file is called. */
export function incrementalFileOf(path: string): string {
  const name = path.lastIndexOf('/') + 1;
  return `${path.slice(0, name)}${PREFIX}${path.slice(name)}`;
}

/** What an incremental file says before its blocks. */
export interface IncrementalHeader {
  /** Blocks of the file as it was: everything behind them in an earlier version is gone, everything up to them is there. */
  readonly truncationBlockLength: number;
  /** The numbers of the blocks that follow, ascending. */
  readonly blocks: Uint32Array;
}

/** Sizes of the server; both fixed when it was built, 8 KiB and 1 GiB nearly everywhere. */
export interface BlockSizes {
  /** Bytes. */
  readonly blockSize: number;
  /** Blocks of one file of a relation. */
  readonly segmentBlocks: number;
}

/**
 * Reads an incremental file as it streams by (basebackup.c, sendFile; little-endian on every platform there is):
 *
 *     0  4  0xd3ae1f0d
 *     4  4  number of blocks n
 *     8  4  truncation block length
 *    12  4n block numbers
 *           zeros up to a multiple of the block size, when n > 0
 *           n blocks
 */
export class IncrementalFileReader {
  readonly #path: string;
  readonly #size: number;
  readonly #sizes: BlockSizes;
  readonly #onHeader: (header: IncrementalHeader, bytes: Buffer) => void;
  readonly #onBlocks: (buffer: Buffer, start: number, end: number) => void;
  #header: Buffer = Buffer.alloc(FIXED_LENGTH);
  #filled = 0;
  #complete = false;

  /**
   * @param file the path, for messages, and the size that the archive names
   * @param sink is told of the header, with its bytes as they came, and then of every byte of the blocks
   */
  constructor(
    file: { readonly path: string; readonly size: number },
    sizes: BlockSizes,
    sink: {
      readonly header: (header: IncrementalHeader, bytes: Buffer) => void;
      readonly blocks: (buffer: Buffer, start: number, end: number) => void;
    },
  ) {
    this.#path = file.path;
    this.#size = file.size;
    this.#sizes = sizes;
    this.#onHeader = sink.header;
    this.#onBlocks = sink.blocks;
  }

  /** @throws LarderError PROTOCOL_VIOLATION when it is no such file, or blocks and size do not agree */
  push(buffer: Buffer, start: number, end: number): void {
    let position = start;
    while (!this.#complete && position < end) position += this.#collect(buffer, position, end);
    if (position < end) this.#onBlocks(buffer, position, end);
  }

  /** @throws LarderError PROTOCOL_VIOLATION when it ended inside its header */
  finish(): void {
    if (!this.#complete) throw this.#violation('ends too early');
  }

  #collect(buffer: Buffer, start: number, end: number): number {
    const taken = Math.min(this.#header.length - this.#filled, end - start);
    buffer.copy(this.#header, this.#filled, start, start + taken);
    this.#filled += taken;
    if (this.#filled === FIXED_LENGTH && this.#header.length === FIXED_LENGTH) this.#extend();
    if (this.#filled === this.#header.length) this.#finishHeader();
    return taken;
  }

  /** The fixed part is there: how long the whole header is. */
  #extend(): void {
    const { blockSize, segmentBlocks } = this.#sizes;
    const count = this.#header.readUInt32LE(4);
    if (this.#header.readUInt32LE(0) !== MAGIC) throw this.#violation('does not begin like one');
    if (count > segmentBlocks) throw this.#violation(`names ${count} blocks`);
    const length = count === 0 ? FIXED_LENGTH : Math.ceil((FIXED_LENGTH + 4 * count) / blockSize) * blockSize;
    if (this.#size !== length + count * blockSize) {
      throw this.#violation(`names ${count} blocks and has ${this.#size} bytes`);
    }
    const header = Buffer.alloc(length);
    this.#header.copy(header);
    this.#header = header;
  }

  #finishHeader(): void {
    this.#complete = true;
    const { segmentBlocks } = this.#sizes;
    const count = this.#header.readUInt32LE(4);
    const blocks = count === 0 ? NO_BLOCKS : new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const block = this.#header.readUInt32LE(FIXED_LENGTH + 4 * i);
      if (block >= segmentBlocks || (i > 0 && block <= (blocks[i - 1] ?? 0))) {
        throw this.#violation(`names block ${block} out of order`);
      }
      blocks[i] = block;
    }
    // before 17.8 and 18.2 the server could name more blocks than a file ever holds
    const truncationBlockLength = Math.min(this.#header.readUInt32LE(8), segmentBlocks);
    this.#onHeader({ truncationBlockLength, blocks }, this.#header);
  }

  #violation(what: string): LarderError {
    return new LarderError('PROTOCOL_VIOLATION', `the server sent ${this.#path}, which ${what}`);
  }
}

/** Blocks of a relation file that an incremental file describes: those it names count even behind its truncation. */
export function reconstructedBlocks({ truncationBlockLength, blocks }: IncrementalHeader): number {
  return Math.max(truncationBlockLength, (blocks.at(-1) ?? -1) + 1);
}

/** Blocks that follow each other, as runs: `block` the first, `index` its place among the blocks of the file. */
export function* blockRuns(
  blocks: Uint32Array,
): Generator<{ readonly block: number; readonly index: number; readonly count: number }> {
  for (let index = 0; index < blocks.length;) {
    const block = blocks[index] ?? 0;
    let count = 1;
    while (blocks[index + count] === block + count) count += 1;
    yield { block, index, count };
    index += count;
  }
}
