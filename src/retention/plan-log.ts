import type { Lsn } from '../postgres/lsn.ts';
import { timelineAt } from '../postgres/timeline-history.ts';
import { contiguousRanges } from '../repository/wal/continuity.ts';
import { knownTimelines, pathTo, type TimelinePath } from '../repository/wal/timeline-path.ts';
import type { WalIndex } from '../repository/wal/wal-index.ts';
import { anchorOn, onPath } from './window.ts';
import type { RatedBackup } from './rated-backup.ts';

/** A stored object of the log that holds bytes. */
export interface LogObject {
  readonly name: string;
  readonly timeline: number;
  /** Its first position. */
  readonly start: Lsn;
  /** Bytes, as stored. */
  readonly size: number;
  /** When the store says it was written, ms since 1970 UTC: nothing in it is younger. */
  readonly modified: number;
}

/** Why the log of a timeline is kept from a position on. */
export type LogReason =
  /** The backup carries its own WAL; behind it, the log leads through the promised window. */
  | { readonly kind: 'backup'; readonly id: string }
  | { readonly kind: 'young'; readonly object: string }
  | { readonly kind: 'resume' };

/** What becomes of the log of one timeline. */
export interface TimelineVerdict {
  readonly timeline: number;
  /** Everything before it goes; the beginning of a segment. */
  readonly keepFrom: Lsn;
  /** undefined: nothing of it is needed any more. */
  readonly because: LogReason | undefined;
  /** Oldest first. */
  readonly removable: readonly LogObject[];
}

export interface LogVerdict {
  readonly systemIdentifier: string;
  /** Ascending, so that parents go before what branched off them. */
  readonly timelines: readonly TimelineVerdict[];
  /** Why nothing of it is removed, whatever its age; undefined where the timelines decide. */
  readonly kept: string | undefined;
}

export interface LogQuestion {
  readonly index: WalIndex;
  readonly objects: readonly LogObject[];
  /** Those of the archive's system that stay. */
  readonly backups: readonly RatedBackup[];
  /** Where the promised window begins, ms since 1970 UTC. */
  readonly from: number;
}

/** Where the log of a timeline begins to be needed. */
interface Need {
  readonly from: Lsn;
  readonly because: LogReason;
}

/**
 * Decides where the log of each timeline is kept from. Kept is what leads from the newest good backup before the promised
 * window to the end of each path that points of the window lie on, everything written within the window, and what the
 * receiver goes on from; of each timeline all behind the first byte that is kept, so that no hole is left in what stays.
 */
export function planLog(question: LogQuestion): LogVerdict {
  const { index, objects } = question;
  const { systemIdentifier } = index;
  const paths = windowPaths(index, objects, question.from);
  if (paths === undefined) {
    const kept = 'a history or a record of the log is missing or damaged: nobody can tell what is needed';
    return { systemIdentifier, timelines: [], kept };
  }
  const needs = new Map<number, Need>();
  for (const path of paths)
    for (const [timeline, need] of needsOf(path, question)) addNeed(needs, timeline, need);
  for (const [timeline, need] of youngNeeds(question)) addNeed(needs, timeline, need);
  for (const [timeline, need] of resumeNeeds(index)) addNeed(needs, timeline, need);
  const byTimeline = Map.groupBy(objects, ({ timeline }) => timeline);
  const timelines = [...byTimeline.keys()].sort((a, b) => a - b);
  return {
    systemIdentifier,
    timelines: timelines.map((timeline) =>
      verdictOf(timeline, { own: byTimeline.get(timeline) ?? [], need: needs.get(timeline), index }),
    ),
    kept: undefined,
  };
}

/**
 * The paths that points of the promised window lie on: to the timeline the receiver is on, to the newest one, and to any
 * of which something was written since the window began.
 * @returns undefined when a history that would tell is missing or damaged
 */
export function windowPaths(
  index: WalIndex,
  objects: readonly LogObject[],
  from: number,
): TimelinePath[] | undefined {
  if (index.damaged.length > 0) return undefined;
  const known = knownTimelines(index);
  const live = new Set(objects.filter(({ modified }) => modified >= from).map(({ timeline }) => timeline));
  for (const timeline of [known.at(-1), index.received?.timeline])
    if (timeline !== undefined) live.add(timeline);
  try {
    // of those that are not live too: a lost history may hide that a live one came of it
    const paths = known.map((timeline) => pathTo(index, timeline));
    return paths.filter(({ timeline }) => live.has(timeline));
  } catch {
    return undefined;
  }
}

/** What a path needs of each of its timelines: all behind the beginning of the backup that it starts from. */
function needsOf(path: TimelinePath, { backups, from }: LogQuestion): [timeline: number, need: Need][] {
  const start = startOn(onPath(backups, path), from);
  if (start === undefined) return [];
  const because: LogReason = { kind: 'backup', id: start.id };
  const needs: [number, Need][] = [];
  let begin = 0n;
  for (const { timeline, end } of [...path.history, { timeline: path.timeline, end: undefined }]) {
    const needed = begin > start.startLsn ? begin : start.startLsn;
    if (end === undefined || end > start.startLsn) needs.push([timeline, { from: needed, because }]);
    begin = end ?? begin;
  }
  return needs;
}

/** Of the newest good backup before the window and all behind that, the one that begins first in the log. */
function startOn(backups: readonly RatedBackup[], from: number): RatedBackup | undefined {
  const good = backups.filter((backup) => backup.good);
  // where none is good, one with damaged pages is all there is to begin with
  const usable = good.length > 0 ? good : backups;
  const anchor = anchorOn(usable, from);
  const candidates = usable.filter(
    (backup) => backup === anchor || backup.ended > from || anchor === undefined,
  );
  return candidates.reduce<RatedBackup | undefined>(
    (first, backup) => (first === undefined || backup.startLsn < first.startLsn ? backup : first),
    undefined,
  );
}

function youngNeeds({ objects, from }: LogQuestion): [number, Need][] {
  const young = objects.filter(({ modified }) => modified >= from);
  return young.map(({ timeline, start, name }) => [
    timeline,
    { from: start, because: { kind: 'young', object: name } },
  ]);
}

/** The last stored byte of the path that the receiver is on, and of that to the newest timeline. */
function resumeNeeds(index: WalIndex): [number, Need][] {
  const timelines = new Set([knownTimelines(index).at(-1), index.received?.timeline]);
  return [...timelines].flatMap((timeline): [number, Need][] => {
    if (timeline === undefined) return [];
    const { history } = pathTo(index, timeline);
    const end = contiguousRanges(index, timeline, history).at(-1)?.end;
    if (end === undefined) return [];
    return [[timelineAt(history, timeline, end - 1n), { from: end - 1n, because: { kind: 'resume' } }]];
  });
}

function addNeed(needs: Map<number, Need>, timeline: number, need: Need): void {
  const known = needs.get(timeline);
  if (known === undefined || need.from < known.from) needs.set(timeline, need);
}

function verdictOf(
  timeline: number,
  {
    own,
    need,
    index,
  }: { readonly own: readonly LogObject[]; readonly need: Need | undefined; readonly index: WalIndex },
): TimelineVerdict {
  const size = BigInt(index.segmentSize);
  const behind = own.reduce((end, { start }) => (start >= end ? (start / size + 1n) * size : end), 0n);
  const keepFrom = need === undefined || need.from > behind ? behind : (need.from / size) * size;
  const removable = own.filter(({ start }) => start < keepFrom).sort((a, b) => (a.start < b.start ? -1 : 1));
  return { timeline, keepFrom, because: need?.because, removable };
}
