import type { Lsn } from '../postgres/lsn.ts';
import type { TimelineHistory } from '../postgres/timeline-history.ts';
import { contiguousRanges } from '../repository/wal/continuity.ts';
import { storedTimelines, type TimelinePoint } from '../repository/wal/timeline-path.ts';
import type { WalIndex } from '../repository/wal/wal-index.ts';

/** How the server's present timeline came about. */
export interface ServerTimeline {
  readonly timeline: number;
  /** Empty on timeline 1. */
  readonly history: TimelineHistory;
}

export type ResumePoint =
  /** Nothing of this cluster is stored yet. */
  | { readonly kind: 'nothing-stored' }
  /** What is stored ends at `reached`; streaming goes on from `start`, the beginning of a segment, on its timeline. */
  | { readonly kind: 'continue'; readonly start: TimelinePoint; readonly reached: TimelinePoint }
  /** What is stored ends on a timeline that the server never went through: another branch of the same cluster. */
  | { readonly kind: 'diverged'; readonly reached: TimelinePoint };

/**
 * Where streaming goes on after what is stored. Segments are stored side by side, and a power cut can leave one missing in
 * front of others: what the server still keeps of such a hole is received again, and what is stored behind it is compared. A
 * hole that was recorded as lost lies before what the slot keeps. A switch below what was stored makes the rest of the old timeline a dead
 * end: streaming goes on at the switch, on the child. It always begins with a whole segment, so that no stored segment is
 * put together from two streams.
 * @param kept from where on the server keeps its log for us: what lies before is gone, or may be
 */
export function resumePoint(index: WalIndex, server: ServerTimeline, kept: Lsn): ResumePoint {
  const reached = newestStored(index, server);
  if (reached === undefined) {
    const elsewhere = storedTimelines(index).at(-1);
    if (elsewhere === undefined) return { kind: 'nothing-stored' };
    return { kind: 'diverged', reached: { timeline: elsewhere, lsn: endOn(index, elsewhere) } };
  }
  const from = firstHole(index, server, { reached, kept }) ?? reached;
  const start = { timeline: from.timeline, lsn: floor(from.lsn, index.segmentSize) };
  return { kind: 'continue', start, reached };
}

/** The first position that is missing on the server's path and that the server still keeps. */
function firstHole(
  index: WalIndex,
  { timeline, history }: ServerTimeline,
  { reached, kept }: { readonly reached: TimelinePoint; readonly kept: Lsn },
): TimelinePoint | undefined {
  const line = [...history.map((branch) => branch.timeline), timeline];
  const ancestors = history.slice(0, line.indexOf(reached.timeline));
  const ranges = contiguousRanges(index, reached.timeline, ancestors);
  const behind = ranges.findIndex(({ start }, i) => i > 0 && start > kept);
  const before = ranges[behind - 1];
  if (before === undefined) return undefined;
  const lsn = before.end > kept ? before.end : kept;
  return { timeline: ancestors.find(({ end }) => lsn < end)?.timeline ?? reached.timeline, lsn };
}

/** The furthest position stored on the server's own path; clipped at the switch, where it counts for the child. */
function newestStored(index: WalIndex, { timeline, history }: ServerTimeline): TimelinePoint | undefined {
  const line = [...history.map((branch) => branch.timeline), timeline];
  const newest = storedTimelines(index).findLast((stored) => line.includes(stored));
  if (newest === undefined) return undefined;
  const ancestors = history.slice(0, line.indexOf(newest));
  const ranges = contiguousRanges(index, newest, ancestors);
  const end = ranges.at(-1)?.end;
  if (end === undefined) return undefined;
  const branch = history[line.indexOf(newest)];
  if (branch === undefined || end < branch.end) return { timeline: newest, lsn: end };
  return { timeline: line[line.indexOf(newest) + 1] ?? timeline, lsn: branch.end };
}

function endOn(index: WalIndex, timeline: number): Lsn {
  return contiguousRanges(index, timeline, []).at(-1)?.end ?? 0n;
}

function floor(lsn: Lsn, segmentSize: number): Lsn {
  return lsn - (lsn % BigInt(segmentSize));
}
