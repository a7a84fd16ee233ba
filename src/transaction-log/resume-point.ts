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
 * Where streaming goes on after what is stored. A switch below what was stored makes the rest of the old timeline a dead
 * end: streaming goes on at the switch, on the child. It always begins with a whole segment, so that no stored segment is
 * put together from two streams.
 */
export function resumePoint(index: WalIndex, server: ServerTimeline): ResumePoint {
  const reached = newestStored(index, server);
  if (reached === undefined) {
    const elsewhere = storedTimelines(index).at(-1);
    if (elsewhere === undefined) return { kind: 'nothing-stored' };
    return { kind: 'diverged', reached: { timeline: elsewhere, lsn: endOn(index, elsewhere) } };
  }
  const start = { timeline: reached.timeline, lsn: floor(reached.lsn, index.segmentSize) };
  return { kind: 'continue', start, reached };
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
