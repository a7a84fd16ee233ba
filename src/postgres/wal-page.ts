import { LarderError } from '../errors.ts';
import { segmentName, type WalSegment } from './wal-segment.ts';

/** XLOG_PAGE_MAGIC by major version (xlog_internal.h). It changes with the format of WAL records. */
export const PAGE_MAGIC: Readonly<Record<number, number>> = {
  15: 0xd110,
  16: 0xd113,
  17: 0xd116,
  18: 0xd118,
};

/** Set in the header of a segment's first page: the long form follows. */
export const XLP_LONG_HEADER = 0x0002;
export const LONG_HEADER_LENGTH = 40;

/** The header of the first page of a segment (XLogLongPageHeaderData), in the byte order of the platform. */
export interface SegmentHeader {
  readonly magic: number;
  readonly timeline: number;
  /** Position of the segment's first byte. */
  readonly pageAddress: bigint;
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly blockSize: number;
}

/**
 * Reads the first page header of a segment: u16 magic, u16 info, u32 timeline, u64 page address, u32 remaining length,
 * 4 bytes of padding, u64 system identifier, u32 segment size, u32 block size.
 * @returns `undefined` when the bytes are no long header
 */
export function readSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < LONG_HEADER_LENGTH || (bytes.readUInt16LE(2) & XLP_LONG_HEADER) === 0) return undefined;
  return {
    magic: bytes.readUInt16LE(0),
    timeline: bytes.readUInt32LE(4),
    pageAddress: bytes.readBigUInt64LE(8),
    systemIdentifier: bytes.readBigUInt64LE(24).toString(),
    segmentSize: bytes.readUInt32LE(32),
    blockSize: bytes.readUInt32LE(36),
  };
}

/** What a segment must be to be stored. */
export interface ExpectedSegment {
  readonly segment: WalSegment;
  readonly segmentSize: number;
  readonly systemIdentifier: string;
  /** Major version of the server; magic numbers of versions this release does not know are not checked. */
  readonly major: number;
}

/**
 * Checks that a segment is of this cluster, this place and this version.
 * @throws LarderError PROTOCOL_VIOLATION naming the segment and what is wrong
 */
export function assertSegment(bytes: Buffer, expected: ExpectedSegment): void {
  const problem = segmentProblem(bytes, expected);
  if (problem === undefined) return;
  const name = segmentName(expected.segment, expected.segmentSize);
  throw new LarderError('PROTOCOL_VIOLATION', `WAL segment ${name} ${problem}`);
}

function segmentProblem(bytes: Buffer, expected: ExpectedSegment): string | undefined {
  const header = readSegmentHeader(bytes);
  const { segment, segmentSize, systemIdentifier, major } = expected;
  const magic = PAGE_MAGIC[major];
  if (header === undefined) return 'does not begin with a WAL page';
  if (magic !== undefined && header.magic !== magic)
    return `is not of PostgreSQL ${major} (page magic ${header.magic.toString(16)})`;
  if (header.systemIdentifier !== systemIdentifier) {
    return `belongs to system ${header.systemIdentifier}, not to ${systemIdentifier}`;
  }
  if (header.segmentSize !== segmentSize)
    return `says it has ${header.segmentSize} bytes, not ${segmentSize}`;
  if (header.pageAddress !== segment.number * BigInt(segmentSize)) return 'holds the WAL of another position';
  // the first page of a new timeline may still be its parent's
  if (header.timeline > segment.timeline) return `is of timeline ${header.timeline}, later than its name`;
  return undefined;
}
