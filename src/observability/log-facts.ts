import type { Lsn } from '../postgres/lsn.ts';
import { contiguousRanges } from '../repository/wal/continuity.ts';
import { completeOn, missingOn } from '../repository/wal/missing-wal.ts';
import {
  passesThrough,
  pathTo,
  storedTimelines,
  type TimelinePath,
} from '../repository/wal/timeline-path.ts';
import type { WalIndex } from '../repository/wal/wal-index.ts';
import { reachThrough, type Reach } from '../restore/recovery/reach.ts';
import { lostHistories, unknownEnd } from '../verify/archive-holes.ts';
import { newestGoodBackup, type BackupFacts } from './backup-facts.ts';

/**
 * How long the log behind a new backup may take to be stored before the backup counts as standing apart from the log
 * before it.
 */
const LOG_LATE_MS = 15 * 60_000;

/** What is stored of the transaction log. */
export interface LogFacts {
  readonly storedBytes: number;
  readonly segments: number;
  /** Segments that something needs and nobody has; undefined: nobody can tell, see `damaged`. */
  readonly missingSegments: number | undefined;
  /** Histories and records that are lost or cannot be read. */
  readonly damaged: number;
  readonly window: RecoveryTimes | undefined;
}

/** Any point between the two can be restored to, as far as names and records say. Milliseconds since 1970 UTC. */
export interface RecoveryTimes {
  readonly from: number;
  readonly until: number;
}

/** A backup with what the log does for it. */
interface Rolling {
  readonly backup: BackupFacts;
  readonly reach: Reach;
}

/** What the index of an archive says, for the backups of its cluster. No stored bytes are looked at. */
export function logFacts(index: WalIndex, backups: readonly BackupFacts[]): LogFacts {
  const { storedBytes, segments } = index;
  const damaged = index.damaged.length + lostHistories(index).length + unknownEnd(index).length;
  const path = tipPath(index);
  const rolling = path === undefined ? [] : rollThrough(index, path, backups);
  return {
    storedBytes,
    segments: segments.length,
    missingSegments: path === undefined ? undefined : countMissing(index, path, rolling),
    damaged,
    window: path === undefined ? windowWithoutLog(backups) : windowOf(index, path, { rolling, backups }),
  };
}

/** The only restorable point where no log is stored: the end of the newest backup. */
export function windowWithoutLog(backups: readonly BackupFacts[]): RecoveryTimes | undefined {
  const newest = newestGoodBackup(backups);
  return newest === undefined ? undefined : { from: newest.ended, until: newest.ended };
}

/** The way to where the log goes on; undefined where its history is lost. */
function tipPath(index: WalIndex): TimelinePath | undefined {
  const timeline = index.received?.timeline ?? storedTimelines(index).at(-1);
  if (timeline === undefined || (timeline !== 1 && !index.histories.has(timeline))) return undefined;
  return pathTo(index, timeline);
}

function rollThrough(index: WalIndex, path: TimelinePath, backups: readonly BackupFacts[]): Rolling[] {
  const ranges = contiguousRanges(index, path.timeline, path.history);
  return backups.flatMap((backup) => {
    const { end } = backup;
    if (end?.systemIdentifier !== index.systemIdentifier || !passesThrough(path, end)) return [];
    return [{ backup, reach: reachThrough(ranges, { index, path, from: end.lsn }) }];
  });
}

/** As `larder wal status` counts: a hole matters to the backups before it whose log retention has not removed. */
function countMissing(index: WalIndex, path: TimelinePath, rolling: readonly Rolling[]): number {
  const reaches = rolling.map(({ reach }) => reach);
  const holes = new Map<Lsn, Lsn>();
  for (const { start, end } of [...missingOn(index, path), ...reaches.flatMap(({ hole }) => hole ?? [])]) {
    const known = holes.get(end);
    if (known === undefined || start < known) holes.set(end, start);
  }
  const isNeeded = (end: Lsn): boolean =>
    reaches.length === 0 || reaches.some(({ from, removed }) => removed === undefined && from < end);
  const size = BigInt(index.segmentSize);
  return [...holes]
    .filter(([end]) => isNeeded(end))
    .reduce((sum, [end, start]) => sum + Number((end + size - 1n) / size - start / size), 0);
}

function windowOf(
  index: WalIndex,
  path: TimelinePath,
  { rolling, backups }: { readonly rolling: readonly Rolling[]; readonly backups: readonly BackupFacts[] },
): RecoveryTimes | undefined {
  const apart = windowWithoutLog(backups);
  const moving = rolling.filter(({ backup, reach }) => backup.state === 'good' && reach.until > reach.from);
  const tip = moving.reduce((max, { reach }) => (reach.until > max ? reach.until : max), 0n);
  const ends = moving.filter(({ reach }) => reach.until === tip).map(({ backup }) => backup.ended);
  if (ends.length === 0) return apart;
  const { stored } = index.received ?? {};
  // the receiver's word counts only while everything up to where it was is still there
  const complete = stored !== undefined && stored <= tip ? completeOn(index, path) : undefined;
  const through = { from: min(ends), until: Math.max(max(ends), complete ?? 0) };
  return apart !== undefined && apart.until > through.until + LOG_LATE_MS ? apart : through;
}

/** Not by spreading: thousands of arguments overflow the stack. */
function min(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function max(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}
