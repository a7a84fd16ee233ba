import { toLarderError, type LarderError } from '../../errors.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { findArchive, type ArchiveRecord } from '../../repository/wal/archive-record.ts';
import { completeOn, nameHole, type MissingWal } from '../../repository/wal/missing-wal.ts';
import { readWalIndex, type WalIndex } from '../../repository/wal/wal-index.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { StoredLog } from './read-log.ts';
import { lsnOf, reachOfBackup, type Reach } from './reach.ts';

/** A point that a restore can stop at. */
export interface RecoveryPoint {
  readonly lsn: Lsn;
  /** ISO 8601. */
  readonly time: string;
}

/** Whether a backup can be rolled forward, and how far. */
export interface RollForward {
  readonly backup: string;
  /** `log`: through the stored log; `own-end`: nothing is stored behind it; `unknown`: `problem` says why. */
  readonly state: 'log' | 'own-end' | 'unknown';
  /** The one that is followed. */
  readonly timeline: number;
  /** Its own end. */
  readonly from: RecoveryPoint;
  readonly until: RecoveryPoint;
  /** What keeps it from going further, when more was stored. */
  readonly hole: MissingWal | undefined;
  /** Whether it goes no further because retention has removed the log behind `until`. */
  readonly removed: boolean;
  readonly problem: LarderError | undefined;
}

/** The archive of one cluster, as it was listed. */
export interface ListedArchive {
  readonly archive: ArchiveRecord;
  readonly index: WalIndex;
}

/**
 * How far each backup can be rolled forward, by what is listed; the stored bytes are not checked.
 * @returns in the order of the backups
 * @throws LarderError when the store does not answer
 */
export async function readRollForward(
  store: ObjectStore,
  backups: readonly CommitRecord[],
): Promise<RollForward[]> {
  const archives = new Map<string, ListedArchive | LarderError | undefined>();
  const found: RollForward[] = [];
  for (const backup of backups) {
    const { systemIdentifier: system } = backup;
    if (!archives.has(system)) archives.set(system, await listArchive(store, system));
    const listed = archives.get(system);
    if (listed === undefined) found.push(standing(backup, 'own-end'));
    else if ('code' in listed) found.push(standing(backup, 'unknown', listed));
    else found.push(await rollForwardOf(store, listed, backup));
  }
  return found;
}

/** The archive; what keeps it from being read; `undefined` when no WAL was ever received. */
async function listArchive(
  store: ObjectStore,
  system: string,
): Promise<ListedArchive | LarderError | undefined> {
  try {
    const archive = await findArchive(store, system);
    return archive === undefined ? undefined : { archive, index: await readWalIndex(store, archive) };
  } catch (thrown) {
    return damageOrThrow(thrown);
  }
}

/**
 * How far one backup can be rolled forward.
 * @throws LarderError when the store does not answer
 */
export async function rollForwardOf(
  store: ObjectStore,
  { archive, index }: ListedArchive,
  backup: CommitRecord,
): Promise<RollForward> {
  try {
    const reach = reachOfBackup(index, backup, 'latest');
    const { path, from, until, hole } = reach;
    const moves = until > from;
    const own = standing(backup, moves ? 'log' : 'own-end');
    return {
      ...own,
      timeline: path.timeline,
      until: moves
        ? { lsn: until, time: await endTime(store, { archive, index }, { reach, backup }) }
        : own.from,
      hole: hole === undefined ? undefined : nameHole(index, path, hole),
      removed: reach.removed !== undefined,
    };
  } catch (thrown) {
    return standing(backup, 'unknown', damageOrThrow(thrown));
  }
}

/**
 * The time everything up to `until` stands for: the receiver's word, or the last commit where that is newer; no time before
 * the backup's own end, which nothing can be restored to.
 */
async function endTime(
  store: ObjectStore,
  listed: ListedArchive,
  { reach, backup }: { readonly reach: Reach; readonly backup: CommitRecord },
): Promise<string> {
  const { received } = listed.index;
  const own = Date.parse(backup.endTime);
  const known = received !== undefined && received.stored <= reach.until;
  const complete = known ? completeOn(listed.index, reach.path) : undefined;
  const isAll = complete !== undefined && received?.stored === reach.until;
  if (isAll && complete >= own) return new Date(complete).toISOString();
  const last = await lastTransaction(store, listed, reach);
  return new Date(Math.max(own, complete ?? own, last ?? own)).toISOString();
}

/** Milliseconds since 1970 UTC. */
async function lastTransaction(
  store: ObjectStore,
  { archive, index }: ListedArchive,
  reach: Reach,
): Promise<number | undefined> {
  const read = async (listed: WalIndex): Promise<number | undefined> => {
    const log = new StoredLog(store, { archive, index: listed, path: reach.path });
    const last = await log.lastTransaction(reach);
    return last === undefined ? undefined : Number(last / 1000n);
  };
  try {
    return await read(index);
  } catch (thrown) {
    // a receiver that runs removes tails once their segment is stored whole: what was listed is there as something else
    if (toLarderError(thrown).code !== 'OBJECT_MISSING') throw thrown;
    return read(await readWalIndex(store, archive));
  }
}

function standing(backup: CommitRecord, state: RollForward['state'], problem?: LarderError): RollForward {
  const own = { lsn: lsnOf(backup.stopLsn), time: backup.endTime };
  const { id, timeline } = backup;
  return { backup: id, state, timeline, from: own, until: own, hole: undefined, removed: false, problem };
}

function damageOrThrow(thrown: unknown): LarderError {
  const error = toLarderError(thrown);
  const verdict = ['OBJECT_DAMAGED', 'OBJECT_MISSING', 'RESTORE_REFUSED', 'REPOSITORY_NEWER_FORMAT'];
  if (verdict.includes(error.code)) return error;
  throw error;
}
