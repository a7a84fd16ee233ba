import { LarderError } from '../../errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../../postgres/lsn.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { contiguousRanges, type LsnRange } from '../../repository/wal/continuity.ts';
import { expectedEnd, nameHole } from '../../repository/wal/missing-wal.ts';
import { isPruned } from '../../repository/wal/lost-part.ts';
import { newestPath, passesThrough, pathTo, type TimelinePath } from '../../repository/wal/timeline-path.ts';
import type { WalIndex } from '../../repository/wal/wal-index.ts';

/** How far a backup can be rolled forward. */
export interface Reach {
  readonly path: TimelinePath;
  /** The backup's own end. */
  readonly from: Lsn;
  /** Where what is stored begins: in the segment of `from`, or right behind it. */
  readonly stored: Lsn;
  /** Everything from `from` up to here is stored; `from` itself when nothing is stored behind the backup. */
  readonly until: Lsn;
  /** What is missing behind `until`: more is stored behind it, or was, or it was recorded as lost. */
  readonly hole: LsnRange | undefined;
  /** What retention has removed behind `until`: then nothing is lost, and nothing behind it can be reached from here. */
  readonly removed: LsnRange | undefined;
}

/** Which timeline to follow: a number, the newest that branched off behind the backup, or the backup's own. */
export type TimelineChoice = number | 'latest' | 'current';

/**
 * How far the archive takes a backup on the chosen timeline.
 * @throws LarderError RESTORE_REFUSED when the timeline does not pass through the backup; OBJECT_MISSING, OBJECT_DAMAGED
 *   when a history is missing that would have to tell
 */
export function reachOfBackup(index: WalIndex, backup: CommitRecord, choice: TimelineChoice): Reach {
  const from = lsnOf(backup.stopLsn);
  const point = { timeline: backup.timeline, lsn: from };
  const path =
    choice === 'latest'
      ? newestPath(index, point)
      : pathTo(index, choice === 'current' ? point.timeline : choice);
  if (!passesThrough(path, point)) throw besideTimeline(backup, path);
  return reachOnPath(index, path, from);
}

/** The same for a position on the path. */
export function reachOnPath(index: WalIndex, path: TimelinePath, from: Lsn): Reach {
  return reachThrough(contiguousRanges(index, path.timeline, path.history), { index, path, from });
}

/** The same where the stretches of the path are known: they cost far more than what is asked of them. */
export function reachThrough(
  ranges: readonly LsnRange[],
  { index, path, from }: { readonly index: WalIndex; readonly path: TimelinePath; readonly from: Lsn },
): Reach {
  // up to the end of the segment it ends in, a backup carries its own WAL, and the server wrote nothing more into it
  const carried = roundUp(from, index.segmentSize);
  const behind = ranges.find(({ start, end }) => start <= carried && end > from);
  const until = behind?.end ?? from;
  const covered = behind === undefined ? carried : until;
  const stored = behind === undefined || behind.start < from ? from : behind.start;
  // where nothing is stored behind a hole, only the receiver's own word, or a history, tells that something was
  const next = ranges.find(({ start }) => start > covered)?.start ?? expectedEnd(index, path);
  const gap = next === undefined || next <= covered ? undefined : { start: covered, end: next };
  const isRemoved = gap !== undefined && isPruned(index.pruned, path, gap.start);
  const [hole, removed] = isRemoved ? [undefined, gap] : [gap, undefined];
  return { path, from, stored, until, hole, removed };
}

/**
 * The error for a hole behind a backup: it names the first missing segment, and how far one can go.
 * @param wanted what cannot be reached, for the message: "the end of the archive"
 */
export function holeError(
  index: WalIndex,
  { path, until, hole }: Reach & { readonly hole: LsnRange },
  { backup, wanted }: { readonly backup: CommitRecord; readonly wanted: string },
): LarderError {
  const { segment, recorded } = nameHole(index, path, hole);
  const why = recorded === undefined ? '' : ` (recorded ${recorded.recorded}: ${recorded.detail})`;
  return new LarderError(
    'WAL_GAP',
    `${backup.id} cannot be rolled forward to ${wanted}: WAL is missing from ${formatLsn(hole.start)} to ${formatLsn(hole.end)}, beginning with segment ${segment}${why}`,
    {
      hint: `It reaches ${formatLsn(until)}: --target-lsn ${formatLsn(until)}, or --immediate for its own end; "larder list" shows backups behind the hole.`,
    },
  );
}

function besideTimeline(backup: CommitRecord, { timeline }: TimelinePath): LarderError {
  return new LarderError(
    'RESTORE_REFUSED',
    `timeline ${timeline} does not pass through ${backup.id}, which ends at ${backup.stopLsn} on timeline ${backup.timeline}`,
    { hint: 'Leave --target-timeline out, or name an older backup: "larder list".' },
  );
}

/** A position of a commit record, whose schema has checked that it is one. */
export function lsnOf(text: string): Lsn {
  const lsn = parseLsn(text);
  if (lsn === undefined) throw new LarderError('OBJECT_DAMAGED', `${text} is no position`);
  return lsn;
}

function roundUp(lsn: Lsn, segmentSize: number): Lsn {
  const size = BigInt(segmentSize);
  return ((lsn + size - 1n) / size) * size;
}
