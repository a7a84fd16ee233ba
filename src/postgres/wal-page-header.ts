import { formatLsn, type Lsn } from './lsn.ts';
import {
  LONG_HEADER_LENGTH,
  PAGE_MAGIC,
  readSegmentHeader,
  XLP_LONG_HEADER,
  type SegmentHeader,
} from './wal-page.ts';
import { WAL_PAGE_LENGTH } from './wal-pages.ts';

const SHORT_HEADER_LENGTH = 24;

/** The page begins with the rest of a record of the page before. */
const XLP_FIRST_IS_CONTRECORD = 0x0001;
/** The rest of the record of the page before was lost in a crash: this page begins with another record instead. */
const XLP_FIRST_IS_OVERWRITE_CONTRECORD = 0x0008;
const XLP_ALL_FLAGS = 0x000f;

/** XLOG_BLCKSZ that a build can choose (`--with-wal-blocksize`): powers of two up to this. */
export const LARGEST_PAGE = 64 * 1024;
const SMALLEST_PAGE = 1024;

/** How a page takes up what the page before left open. */
export interface WalPageJoint {
  /** The page goes on with a record that began earlier. */
  readonly continues: boolean;
  /** The page replaces the rest of a record that began earlier. */
  readonly overwrites: boolean;
  /** Bytes of the continued record from this page on. */
  readonly remaining: number;
}

/** Reads the part of a page header that concerns records: u16 info at 2, u32 remaining length at 16. */
export function readPageJoint(header: Buffer): WalPageJoint {
  const info = header.readUInt16LE(2);
  return {
    continues: (info & XLP_FIRST_IS_CONTRECORD) !== 0,
    overwrites: (info & XLP_FIRST_IS_OVERWRITE_CONTRECORD) !== 0,
    remaining: header.readUInt32LE(16),
  };
}

/**
 * Checks the headers of consecutive pages, by the rules of XLogReaderValidatePageHeader: one magic number, known flags, the
 * address of its place, timelines that never decrease, and in a segment's first page one cluster and one geometry.
 */
export class WalPageSequence {
  readonly #segmentSize: number;
  #magic: number | undefined;
  #timeline = 0;
  #pageLength: number | undefined;
  #systemIdentifier: string | undefined;

  /** @param major of the server; without one the first page's magic number is taken for all */
  constructor(segmentSize: number, major: number | undefined) {
    this.#segmentSize = segmentSize;
    this.#magic = major === undefined ? undefined : PAGE_MAGIC[major];
  }

  /** Bytes of a page: what the first long header said, else the usual 8 KiB. */
  get pageLength(): number {
    return this.#pageLength ?? WAL_PAGE_LENGTH;
  }

  /** Bytes of the header of the page at this address. */
  headerLength(address: Lsn): number {
    return this.beginsSegment(address) ? LONG_HEADER_LENGTH : SHORT_HEADER_LENGTH;
  }

  beginsSegment(address: Lsn): boolean {
    return address % BigInt(this.#segmentSize) === 0n;
  }

  /**
   * What is wrong with the next page's header; `undefined` when it is accepted.
   * @param header all of it, `headerLength` bytes
   */
  add(header: Buffer, address: Lsn): string | undefined {
    const problem = this.#problem(header, address);
    if (problem !== undefined) return `the page at ${formatLsn(address)} ${problem}`;
    this.#magic = header.readUInt16LE(0);
    this.#timeline = header.readUInt32LE(4);
    // without a long header the first page was taken for one of 8 KiB
    this.#pageLength = readSegmentHeader(header)?.blockSize ?? this.pageLength;
    return undefined;
  }

  #problem(header: Buffer, address: Lsn): string | undefined {
    const magic = header.readUInt16LE(0);
    const info = header.readUInt16LE(2);
    const timeline = header.readUInt32LE(4);
    const found = header.readBigUInt64LE(8);
    if (magic !== (this.#magic ?? magic)) return `has the magic number ${magic.toString(16)}`;
    if ((info & ~XLP_ALL_FLAGS) !== 0) return `has unknown flags (${info.toString(16)})`;
    if (found !== address) return `says it is the page at ${formatLsn(found)}`;
    if (timeline < this.#timeline) return `is of timeline ${timeline}, before it was ${this.#timeline}`;
    const long = (info & XLP_LONG_HEADER) !== 0;
    if (long !== this.beginsSegment(address))
      return long ? 'is no first page of a segment, but says so' : 'does not begin a segment';
    const segment = readSegmentHeader(header);
    return segment === undefined ? undefined : this.#segmentProblem(segment);
  }

  #segmentProblem({ segmentSize, blockSize, systemIdentifier }: SegmentHeader): string | undefined {
    const possible = blockSize >= SMALLEST_PAGE && blockSize <= LARGEST_PAGE;
    if (segmentSize !== this.#segmentSize) return `says its segment has ${segmentSize} bytes`;
    if (blockSize !== (this.#pageLength ?? blockSize) || !possible || !Number.isInteger(Math.log2(blockSize)))
      return `says it has ${blockSize} bytes`;
    if (systemIdentifier !== (this.#systemIdentifier ?? systemIdentifier))
      return `belongs to system ${systemIdentifier}, the pages before to ${this.#systemIdentifier}`;
    this.#systemIdentifier = systemIdentifier;
    return undefined;
  }
}
