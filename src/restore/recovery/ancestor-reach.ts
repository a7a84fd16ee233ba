import type { WalIndex } from '../../repository/wal/wal-index.ts';
import { reachOnPath, type Reach } from './reach.ts';

/**
 * How far the ancestors of a path lead by themselves, oldest first: each up to where its child branched off, where that is
 * stored of it.
 *
 * A target that lies on an ancestor is better reached on its timeline than on the way to the newest one. When recovery ends,
 * PostgreSQL reads transactions that are prepared from the log once more, and then opens the segment of the timeline it is
 * on (XLogReadDetermineTimeline); of the segment with the switch it had asked for the child's only, and ends with
 * "requested WAL segment has already been removed".
 */
export function ancestorReaches(index: WalIndex, { path, from }: Reach): Reach[] {
  return path.history.flatMap(({ timeline, end }, position): Reach[] => {
    if (end <= from) return [];
    // PostgreSQL asks for the history of the timeline it is told to follow
    if (timeline > 1 && !index.histories.has(timeline)) return [];
    const own = reachOnPath(index, { timeline, history: path.history.slice(0, position) }, from);
    return own.until < end ? [] : [{ ...own, until: end, hole: undefined, removed: undefined }];
  });
}
