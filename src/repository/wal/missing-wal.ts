import type { Lsn } from '../../postgres/lsn.ts';
import { timelineAt } from '../../postgres/timeline-history.ts';
import { segmentAt, segmentName, type WalSegment } from '../../postgres/wal-segment.ts';
import { contiguousRanges, holesBetween, type LsnRange } from './continuity.ts';
import { lostPart } from './lost-part.ts';
import { passesThrough, type TimelinePath } from './timeline-path.ts';
import type { WalHole } from './wal-hole.ts';
import type { WalIndex } from './wal-index.ts';
import { walSegmentObject } from './wal-layout.ts';

/** A hole, with names for people. */
export interface MissingWal extends LsnRange {
  /** The first segment that is missing, or not whole. */
  readonly segment: string;
  /** The last one that something is missing of. */
  readonly lastSegment: string;
  /** What would hold it. */
  readonly object: string;
  /** What the receiver recorded when it found out; `undefined` for what was lost from the repository itself. */
  readonly recorded: WalHole | undefined;
}

/**
 * How far the archive must reach for who follows the path: to the switch that the path goes through, to where the receiver
 * said that everything before is stored, and to the end of WAL that it recorded as lost. What is not there before that is
 * missing, also while nothing is stored behind it. `undefined` when nothing says so.
 */
export function expectedEnd(index: WalIndex, path: TimelinePath): Lsn | undefined {
  const lost = index.holes.filter((hole) => isOn(path, hole)).map(({ to }) => to);
  return furthest([...lost, path.history.at(-1)?.end ?? 0n, receivedOn(index, path) ?? 0n]);
}

/** Whether WAL that was recorded as lost is the path's: what diverged is another branch's, with nothing behind it. */
function isOn({ timeline, history }: TimelinePath, { timeline: own, from, reason }: WalHole): boolean {
  if (reason === 'diverged') return false;
  return own === timeline || history.some((branch) => branch.timeline === own && from < branch.end);
}

function furthest(ends: readonly Lsn[]): Lsn | undefined {
  return ends.reduce((max, end) => (end > max ? end : max), 0n) || undefined;
}

/**
 * Until when everything that was committed on the path is stored (ms since 1970 UTC), as the receiver said last; what it
 * said of another branch says nothing.
 */
export function completeOn({ received }: WalIndex, path: TimelinePath): number | undefined {
  if (received === undefined) return undefined;
  const { timeline, stored, complete } = received;
  return passesThrough(path, { timeline, lsn: stored }) ? complete : undefined;
}

/**
 * How far the archive was stored for who follows the path, as the receiver said last; `undefined` when that says nothing
 * about the path. What was received behind the point where the two ways part counts for nothing.
 */
function receivedOn({ received, histories }: WalIndex, path: TimelinePath): Lsn | undefined {
  if (received === undefined) return undefined;
  const line = [...(histories.get(received.timeline) ?? [])];
  line.push({ timeline: received.timeline, end: received.stored });
  const ends = new Map<number, Lsn | undefined>(path.history.map(({ timeline, end }) => [timeline, end]));
  ends.set(path.timeline, undefined);
  const shared = line.findLast(({ timeline }) => ends.has(timeline));
  if (shared === undefined) return undefined;
  const limit = ends.get(shared.timeline);
  return limit !== undefined && limit < shared.end ? limit : shared.end;
}

/**
 * Everything that is missing on the path, from the first stored byte to where it is known to have gone, oldest first. What
 * retention has removed is not missing.
 */
export function missingOn(index: WalIndex, path: TimelinePath): MissingWal[] {
  const ranges = contiguousRanges(index, path.timeline, path.history);
  const [start, stored] = [ranges[0]?.start, ranges.at(-1)?.end];
  if (start === undefined || stored === undefined) return [];
  const expected = expectedEnd(index, path) ?? stored;
  const end = expected > stored ? expected : stored;
  const lost = holesBetween(ranges, start, end).flatMap((hole) => lostPart(index.pruned, path, hole) ?? []);
  return lost.map((hole) => nameHole(index, path, hole));
}

export function nameHole(index: WalIndex, path: TimelinePath, hole: LsnRange): MissingWal {
  const { systemIdentifier, segmentSize, holes } = index;
  const holding = (lsn: Lsn): WalSegment =>
    segmentAt(timelineAt(path.history, path.timeline, lsn), lsn, segmentSize);
  const first = holding(hole.start);
  return {
    ...hole,
    segment: segmentName(first, segmentSize),
    lastSegment: segmentName(holding(hole.end - 1n), segmentSize),
    object: walSegmentObject(systemIdentifier, first, segmentSize),
    recorded: holes.find(({ from, to }) => from < hole.end && hole.start < to),
  };
}
