import type { Lsn } from '../../postgres/lsn.ts';
import type { TimelineHistory } from '../../postgres/timeline-history.ts';
import type { WalSegment } from '../../postgres/wal-segment.ts';
import type { TailRange } from './wal-layout.ts';

/** Positions from `start` up to, not including, `end`. */
export interface LsnRange {
  readonly start: Lsn;
  readonly end: Lsn;
}

/** What a repository holds of one cluster's log. */
export interface StoredWal {
  readonly segmentSize: number;
  readonly segments: Iterable<WalSegment>;
  readonly tails: Iterable<TailRange>;
}

/**
 * The stretches of the log, without a hole, that who follows `timeline` can replay, oldest first.
 *
 * Each byte counts on one timeline only: an ancestor's up to where its child branched off. A segment of the child repeats
 * the parent's bytes up to the switch, so it alone covers the whole segment; what the parent wrote behind the switch is a
 * dead end and covers nothing.
 */
export function contiguousRanges(stored: StoredWal, timeline: number, history: TimelineHistory): LsnRange[] {
  const ends = new Map<number, Lsn | undefined>(history.map((branch) => [branch.timeline, branch.end]));
  ends.set(timeline, undefined);
  const size = BigInt(stored.segmentSize);
  const ranges: LsnRange[] = [];
  const add = (segment: WalSegment, from: bigint, to: bigint): void => {
    if (!ends.has(segment.timeline)) return;
    const base = segment.number * size;
    const limit = ends.get(segment.timeline);
    const end = limit !== undefined && limit < base + to ? limit : base + to;
    if (base + from < end) ranges.push({ start: base + from, end });
  };
  for (const segment of stored.segments) add(segment, 0n, size);
  for (const tail of stored.tails) add(tail.segment, BigInt(tail.from), BigInt(tail.to));
  return merge(ranges);
}

function merge(ranges: LsnRange[]): LsnRange[] {
  const sorted = ranges.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const merged: LsnRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last === undefined || last.end < range.start) merged.push(range);
    else if (last.end < range.end) merged[merged.length - 1] = { start: last.start, end: range.end };
  }
  return merged;
}

/** The holes between `from` and `to`. */
export function holesBetween(ranges: readonly LsnRange[], from: Lsn, to: Lsn): LsnRange[] {
  const holes: LsnRange[] = [];
  let position = from;
  for (const range of ranges) {
    if (range.end <= position) continue;
    if (range.start >= to) break;
    if (range.start > position) holes.push({ start: position, end: range.start });
    position = range.end;
  }
  if (position < to) holes.push({ start: position, end: to });
  return holes;
}

/**
 * How far a backup that ends at `stop` can be rolled forward: to the end of the stretch that holds its end. A backup
 * carries its own WAL, so without any archive it reaches its own end, and no less.
 */
export function reachOf(stop: Lsn, ranges: readonly LsnRange[]): Lsn {
  return ranges.find((range) => range.start <= stop && stop <= range.end)?.end ?? stop;
}
