import { LarderError, toLarderError } from '../../errors.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import type { WalRecord } from '../../postgres/wal-record.ts';
import { readRestorePoint } from '../../postgres/wal-restore-point.ts';
import { readTransactionEnd } from '../../postgres/wal-transactions.ts';
import { findBackup, readCatalogue } from '../../repository/catalogue.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { findArchive, type ArchiveRecord } from '../../repository/wal/archive-record.ts';
import type { LsnRange } from '../../repository/wal/continuity.ts';
import { completeOn } from '../../repository/wal/missing-wal.ts';
import { knownTimelines, passesThrough, pathTo } from '../../repository/wal/timeline-path.ts';
import { readWalIndex, type WalIndex } from '../../repository/wal/wal-index.ts';
import { positionName } from '../../repository/wal/wal-layout.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { ancestorReaches } from './ancestor-reach.ts';
import type { WantedTarget } from './parse-target.ts';
import { formatTimestamp } from './parse-time.ts';
import { holeError, lsnOf, reachOfBackup, type Reach } from './reach.ts';
import { StoredLog } from './read-log.ts';
import type { RecoveryPlan, RecoveryTarget } from './recovery-plan.ts';

export interface ChosenRecovery {
  readonly backup: CommitRecord;
  /** `undefined`: to the backup's own end, which needs no archive. */
  readonly recovery: RecoveryPlan | undefined;
  /** What a reader should know of the choice, in words. */
  readonly remarks: readonly string[];
}

/** What everything below decides with. */
interface Archive {
  readonly store: ObjectStore;
  readonly archive: ArchiveRecord;
  readonly index: WalIndex;
  readonly wanted: WantedTarget;
}

/** A backup that may be the one, and how far it can be rolled forward. */
interface Candidate {
  readonly backup: CommitRecord;
  readonly reach: Reach;
}

/**
 * Chooses the backup to begin with and proves that the target can be reached from it.
 * @param id a backup's id, or `latest` for the newest one that ends before the target
 * @throws LarderError RESTORE_REFUSED with the nearest point that can be reached, WAL_GAP naming what is missing,
 *   BACKUP_UNKNOWN, OBJECT_MISSING, OBJECT_DAMAGED, the store's errors
 */
export async function planRecovery(
  store: ObjectStore,
  id: string,
  wanted: WantedTarget,
): Promise<ChosenRecovery> {
  try {
    return await planOnce(store, id, wanted);
  } catch (thrown) {
    // a receiver that runs removes tails once their segment is stored whole: what was listed is there as something else
    if (toLarderError(thrown).code !== 'OBJECT_MISSING') throw thrown;
    return planOnce(store, id, wanted);
  }
}

async function planOnce(store: ObjectStore, id: string, wanted: WantedTarget): Promise<ChosenRecovery> {
  const newest = await findBackup(store, id);
  if (wanted.target.kind === 'backup') return { backup: newest, recovery: undefined, remarks: [] };
  const archive = await findArchive(store, newest.systemIdentifier);
  if (archive === undefined) return withoutArchive(newest, wanted);
  const index = await readWalIndex(store, archive);
  const parts: Archive = { store, archive, index, wanted };
  if (id !== 'latest') return toTarget(parts, [newest]);
  const { backups, remarks } = onChosenPath(parts, await completeBackups(store, newest));
  const found = await toTarget(parts, backups);
  return { ...found, remarks: [...remarks, ...found.remarks] };
}

/** @param backups newest first, at least one */
function toTarget(parts: Archive, backups: readonly CommitRecord[]): Promise<ChosenRecovery> {
  const { target } = parts.wanted;
  const [newest] = backups;
  switch (target.kind) {
    case 'everything':
    case 'backup':
      if (newest === undefined) throw beforeBackups(backups, 'the end of the archive');
      return toTheEnd(parts, candidate(parts, newest), []);
    case 'time':
      return toTime(parts, backups, target);
    case 'lsn':
      return toLsn(parts, backups, target);
    case 'xid':
    case 'name':
      return toRecord(parts, backups, target);
  }
}

/**
 * The backups that the chosen path passes through, newest first. A newer one may lie on a branch that was given up, as
 * when it was taken of a server whose successor never got its last WAL: from there nothing of the path can be reached.
 */
function onChosenPath(
  { index, wanted: { timeline } }: Archive,
  backups: readonly CommitRecord[],
): { readonly backups: readonly CommitRecord[]; readonly remarks: readonly string[] } {
  const chosen = timeline === 'latest' ? knownTimelines(index).at(-1) : timeline;
  if (chosen === undefined || chosen === 'current') return { backups, remarks: [] };
  const [newest] = backups;
  // nothing was received of the newest one's timeline yet, so nobody can tell which of the others lie on it
  if (timeline === 'latest' && newest !== undefined && newest.timeline > chosen) {
    return { backups, remarks: [] };
  }
  const path = pathTo(index, chosen);
  const usable = backups.filter((backup) =>
    passesThrough(path, { timeline: backup.timeline, lsn: lsnOf(backup.stopLsn) }),
  );
  const [first] = usable;
  // of none of them the path's end can be reached: then the newest one goes as far as its own branch does
  if (first === undefined || newest === undefined || first === newest) {
    return { backups: first === undefined ? backups : usable, remarks: [] };
  }
  const remark = `${newest.id} is newer, but timeline ${chosen} does not pass through it (it ends at ${newest.stopLsn} on timeline ${newest.timeline})`;
  return { backups: usable, remarks: [remark] };
}

/** Those of one lineage, newest first. */
async function completeBackups(store: ObjectStore, newest: CommitRecord): Promise<CommitRecord[]> {
  const { backups } = await readCatalogue(store);
  return backups
    .filter(
      ({ state, systemIdentifier }) => state === 'complete' && systemIdentifier === newest.systemIdentifier,
    )
    .reverse();
}

function withoutArchive(backup: CommitRecord, { target }: WantedTarget): ChosenRecovery {
  if (target.kind === 'everything') {
    const remark =
      'no WAL was ever received ("larder wal receive"): nothing behind the backup can be restored';
    return { backup, recovery: undefined, remarks: [remark] };
  }
  throw new LarderError('RESTORE_REFUSED', 'no WAL was ever received, so no point in time can be reached', {
    hint: `${backup.id} can be restored to its own end, ${backup.endTime}: --immediate.`,
  });
}

function candidate({ index, wanted }: Archive, backup: CommitRecord): Candidate {
  return { backup, reach: reachOfBackup(index, backup, wanted.timeline) };
}

/** Everything there is behind the backup; a hole makes that an error, since what lies behind it would be left out. */
async function toTheEnd(
  parts: Archive,
  { backup, reach }: Candidate,
  remarks: readonly string[],
): Promise<ChosenRecovery> {
  assertNoHole(parts, { backup, reach }, 'the end of the archive');
  const unknown = reach.removed === undefined ? unknownEnd(parts, reach) : [removedRemark(reach.removed)];
  const last = await logOf(parts, reach).findLast(reach.stored, reach.until, ({ start, end }) => ({
    start,
    end,
  }));
  if (reach.until <= reach.from || last === undefined || last.end <= reach.from) {
    const remark = 'no WAL is stored behind the backup: it is restored to its own end';
    return { backup, recovery: undefined, remarks: [...remarks, ...unknown, remark] };
  }
  const target: RecoveryTarget = { kind: 'end', lsn: last.start };
  return chosen(parts, { backup, reach }, { target, remarks: [...remarks, ...unknown] });
}

/**
 * Remarks when nothing tells how far the archive once reached, so that its end may be missing.
 * @throws LarderError OBJECT_DAMAGED when what would tell cannot be read
 */
function unknownEnd({ index }: Archive, { until }: Reach): string[] {
  if (index.received !== undefined) return [];
  const name = positionName(index.systemIdentifier);
  const damage = index.damaged.find(({ message }) => message.includes(name));
  if (damage === undefined) return [`${name} is missing: nobody can tell whether WAL was lost from the end`];
  throw new LarderError(damage.code, `${damage.message}, so nobody can tell where the archive ends`, {
    hint: `Name where to stop: --target-lsn ${formatLsn(until)} is the last position that is stored.`,
    cause: damage,
  });
}

async function toLsn(
  parts: Archive,
  backups: readonly CommitRecord[],
  target: Extract<RecoveryTarget, { kind: 'lsn' }>,
): Promise<ChosenRecovery> {
  const wanted = `LSN ${formatLsn(target.lsn)}`;
  const backup = backups.find(({ stopLsn }) => lsnOf(stopLsn) <= target.lsn);
  if (backup === undefined) throw beforeBackups(backups, wanted);
  const found = candidate(parts, backup);
  if (target.lsn > found.reach.until) throw await beyondReach(parts, found, wanted);
  const lastStart = ({ stored, until, path }: Reach): Promise<Lsn | undefined> =>
    logOf(parts, { path }).findLast(stored, until, ({ start }) => start);
  const last = await lastStart(found.reach);
  if (last !== undefined && target.lsn <= last) {
    const holds = async (reach: Reach): Promise<boolean> => target.lsn <= ((await lastStart(reach)) ?? -1n);
    return onItsTimeline(parts, found, { target, holds });
  }
  // no record begins there or later: PostgreSQL would call the target not reached
  const remark = `${wanted} lies in or behind the last record: everything stored up to there is restored`;
  const whole = last === undefined || last < found.reach.from ? undefined : last;
  if (whole === undefined) return { backup, recovery: undefined, remarks: [remark] };
  return chosen(parts, found, { target: { kind: 'end', lsn: whole }, remarks: [remark] });
}

async function toTime(
  parts: Archive,
  backups: readonly CommitRecord[],
  target: Extract<RecoveryTarget, { kind: 'time' }>,
): Promise<ChosenRecovery> {
  const wanted = formatTimestamp(target.time);
  const backup = backups.find(({ endTime }) => BigInt(Date.parse(endTime)) * 1000n <= target.time);
  if (backup === undefined) throw beforeBackups(backups, wanted);
  const found = candidate(parts, backup);
  const lastEnd = (reach: Reach): Promise<bigint | undefined> => logOf(parts, reach).lastTransaction(reach);
  const stopsBefore = (end: bigint | undefined): boolean =>
    end !== undefined && (target.inclusive ? end > target.time : end >= target.time);
  const last = await lastEnd(found.reach);
  if (stopsBefore(last)) {
    const holds = async (reach: Reach): Promise<boolean> => stopsBefore(await lastEnd(reach));
    return onItsTimeline(parts, found, { target, holds });
  }
  assertNoHole(parts, found, wanted);
  const complete = found.reach.removed === undefined ? completeUntil(parts, found.reach) : undefined;
  if (complete === undefined || complete < target.time) throw await beyondReach(parts, found, wanted);
  const remark = `nothing was committed behind ${last === undefined ? 'the backup' : formatTimestamp(last)} until ${wanted}: everything stored is restored`;
  return toTheEnd(parts, found, [remark]);
}

/** Found in the log: the newest stretch first, from one backup's end to the next. */
async function toRecord(
  parts: Archive,
  backups: readonly CommitRecord[],
  target: Extract<RecoveryTarget, { kind: 'xid' | 'name' }>,
): Promise<ChosenRecovery> {
  const wanted =
    target.kind === 'xid'
      ? `transaction ${target.transaction}`
      : `restore point ${JSON.stringify(target.name)}`;
  const { major } = parts.archive;
  const isIt = (record: WalRecord): boolean =>
    target.kind === 'xid'
      ? readTransactionEnd(record, major)?.transaction === target.transaction
      : readRestorePoint(record)?.name === target.name;
  let upper: Lsn | undefined;
  for (const backup of backups) {
    const found = candidate(parts, backup);
    const until = upper !== undefined && upper < found.reach.until ? upper : found.reach.until;
    upper = found.reach.from;
    if (until <= found.reach.stored) continue;
    for await (const record of logOf(parts, found.reach).records(found.reach.stored, until)) {
      // a record that begins before the backup's end is part of what makes it consistent
      if (record.start < found.reach.from || !isIt(record)) continue;
      const { end } = record;
      const holds = (reach: Reach): Promise<boolean> => Promise.resolve(end <= reach.until);
      return onItsTimeline(parts, found, { target, holds });
    }
  }
  const [newest] = backups;
  if (newest === undefined) throw beforeBackups(backups, wanted);
  const found = candidate(parts, newest);
  assertNoHole(parts, found, wanted);
  throw new LarderError('RESTORE_REFUSED', `${wanted} is not in the stored log behind any backup`, {
    hint: await nearest(parts, found),
  });
}

/** A target that lies on an ancestor of the newest timeline is reached on that one: see `ancestorReaches`. */
async function onItsTimeline(
  parts: Archive,
  { backup, reach }: Candidate,
  {
    target,
    holds,
  }: { readonly target: RecoveryTarget; readonly holds: (ancestor: Reach) => Promise<boolean> },
): Promise<ChosenRecovery> {
  for (const ancestor of ancestorReaches(parts.index, reach)) {
    if (!(await holds(ancestor))) continue;
    const [older, newest] = [ancestor.path.timeline, reach.path.timeline];
    const remark = `the target lies on timeline ${older}, before timeline ${newest}, the newest, came of it`;
    return chosen(parts, { backup, reach: ancestor }, { target, remarks: [remark] });
  }
  return chosen(parts, { backup, reach }, { target, remarks: [] });
}

function chosen(
  { archive, wanted }: Archive,
  { backup, reach }: Candidate,
  { target, remarks }: { readonly target: RecoveryTarget; readonly remarks: readonly string[] },
): ChosenRecovery {
  const { path, from, until } = reach;
  return { backup, recovery: { archive, path, from, until, target, action: wanted.action }, remarks };
}

function logOf({ store, archive, index }: Archive, { path }: Pick<Reach, 'path'>): StoredLog {
  return new StoredLog(store, { archive, index, path });
}

/** Until when everything that was committed on the path is stored, microseconds. */
function completeUntil({ index }: Archive, { path }: Reach): bigint | undefined {
  const complete = completeOn(index, path);
  return complete === undefined ? undefined : BigInt(complete) * 1000n;
}

function assertNoHole({ index }: Archive, { backup, reach }: Candidate, wanted: string): void {
  const { hole } = reach;
  if (hole !== undefined) throw holeError(index, { ...reach, hole }, { backup, wanted });
}

function removedRemark({ start }: LsnRange): string {
  return `retention has removed the log from ${formatLsn(start)} on: nothing behind it can be reached from this backup`;
}

async function beyondReach(parts: Archive, found: Candidate, wanted: string): Promise<LarderError> {
  assertNoHole(parts, found, wanted);
  const { removed } = found.reach;
  if (removed !== undefined) {
    return new LarderError('RESTORE_REFUSED', `${wanted} cannot be reached: ${removedRemark(removed)}`, {
      hint: `${found.backup.id} can be restored to its own end (--immediate); "larder list" shows the backups that roll forward.`,
    });
  }
  return new LarderError('RESTORE_REFUSED', `${wanted} lies behind the end of the archive`, {
    hint: await nearest(parts, found),
  });
}

async function nearest(parts: Archive, { backup, reach }: Candidate): Promise<string> {
  const last = await logOf(parts, reach).lastTransaction(reach);
  const complete = completeUntil(parts, reach);
  const time = complete ?? last;
  const at = time === undefined ? '' : `, ${formatTimestamp(time)}`;
  return `The nearest point that can be reached is LSN ${formatLsn(reach.until)}${at}, from ${backup.id}: leave the target out to restore everything.`;
}

function beforeBackups(backups: readonly CommitRecord[], wanted: string): LarderError {
  const oldest = backups.at(-1);
  return new LarderError('RESTORE_REFUSED', `${wanted} lies before the end of every usable backup`, {
    hint:
      oldest === undefined
        ? '"larder list" shows what there is.'
        : `The earliest point that can be reached is the end of ${oldest.id}: ${oldest.endTime}, LSN ${oldest.stopLsn}.`,
  });
}
