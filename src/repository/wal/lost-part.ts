import type { Lsn } from '../../postgres/lsn.ts';
import { timelineAt } from '../../postgres/timeline-history.ts';
import type { LsnRange } from './continuity.ts';
import type { TimelinePath } from './timeline-path.ts';

/** By timeline, the position before which retention has removed everything. */
export type PrunedLog = ReadonlyMap<number, Lsn>;

/** Whether retention has removed the log at a position of the path: then what is not there is not lost. */
export function isPruned(pruned: PrunedLog, { timeline, history }: TimelinePath, lsn: Lsn): boolean {
  return lsn < (pruned.get(timelineAt(history, timeline, lsn)) ?? 0n);
}

/** A hole without its beginning, as far as retention has removed that; `undefined` where nothing of it is lost. */
export function lostPart(
  pruned: PrunedLog,
  { timeline, history }: TimelinePath,
  hole: LsnRange,
): LsnRange | undefined {
  let start = hole.start;
  for (const { timeline: own, end } of [...history, { timeline, end: hole.end }]) {
    if (end <= start) continue;
    const before = pruned.get(own) ?? 0n;
    if (before > start) start = before < end ? before : end;
    if (before < end) break;
  }
  return start < hole.end ? { start, end: hole.end } : undefined;
}
