import type { Lsn } from './lsn.ts';

/** One file of the write-ahead log. */
export interface WalSegment {
  /** 1 to 2^32-1. */
  readonly timeline: number;
  /** Position divided by the segment size. */
  readonly number: bigint;
}

const SEGMENT_NAME = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const MIB = 1024 * 1024;

/** Whether a server can use segments of this many bytes: a power of two from 1 MiB to 1 GiB (`initdb --wal-segsize`). */
export function isSegmentSize(bytes: number): boolean {
  return Number.isInteger(Math.log2(bytes)) && bytes >= MIB && bytes <= 1024 * MIB;
}

/** Segments that share one value of the middle eight digits of a name. */
function segmentsPerId(segmentSize: number): bigint {
  return 0x1_0000_0000n / BigInt(segmentSize);
}

function hex8(value: bigint | number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

/** `%08X%08X%08X`: timeline, then the number split by how many segments make 4 GiB (xlog_internal.h, XLogFileName). */
export function segmentName(segment: WalSegment, segmentSize: number): string {
  const perId = segmentsPerId(segmentSize);
  return hex8(segment.timeline) + hex8(segment.number / perId) + hex8(segment.number % perId);
}

/** Reads a segment's name; `undefined` when it is not one, or cannot exist with this segment size. */
export function parseSegmentName(name: string, segmentSize: number): WalSegment | undefined {
  const match = SEGMENT_NAME.exec(name);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return undefined;
  const perId = segmentsPerId(segmentSize);
  const low = BigInt(`0x${match[3]}`);
  const timeline = Number.parseInt(match[1], 16);
  if (low >= perId || timeline === 0) return undefined;
  return { timeline, number: BigInt(`0x${match[2]}`) * perId + low };
}

/** The segment that holds the byte at `lsn`. */
export function segmentAt(timeline: number, lsn: Lsn, segmentSize: number): WalSegment {
  return { timeline, number: lsn / BigInt(segmentSize) };
}

/**
 * Names of all segments that hold bytes of [start, end). An end on a segment's first byte needs nothing of that segment;
 * an empty range still needs the segment of its start, where the checkpoint record lies. One at a time: a range from a
 * damaged source may be absurdly long.
 */
export function* segmentsOfRange(
  timeline: number,
  start: Lsn,
  end: Lsn,
  segmentSize: number,
): Generator<string> {
  const size = BigInt(segmentSize);
  const last = end > start ? (end - 1n) / size : start / size;
  for (let number = start / size; number <= last; number++)
    yield segmentName({ timeline, number }, segmentSize);
}

/** `%08X.history`. */
export function historyName(timeline: number): string {
  return `${hex8(timeline)}.history`;
}
