import { toLarderError } from '../errors.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { findArchive } from '../repository/wal/archive-record.ts';
import { completeOn } from '../repository/wal/missing-wal.ts';
import { readWalIndex } from '../repository/wal/wal-index.ts';
import { reachOfBackup } from '../restore/recovery/reach.ts';
import { StoredLog } from '../restore/recovery/read-log.ts';
import type { WantedTarget } from '../restore/recovery/parse-target.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { isDamage } from './candidates.ts';

/** What is known of the point that a copy was brought to. Times are milliseconds since 1970 UTC. */
export interface PointFacts {
  readonly target: WantedTarget['target'];
  /** When the drill began. */
  readonly began: number;
  /** Until when everything is stored that can be reached; undefined where nobody can tell. */
  readonly storedUntil: number | undefined;
  /** Of the last transaction that was replayed. */
  readonly lastCommit: number | undefined;
  readonly backupEnd: number;
  /** Whether the log could be followed to where it was to be. */
  readonly isWhole: boolean;
}

export interface RecoveredPoint {
  /** Everything that was committed before it is in the copy. */
  readonly recoveredTo: number | undefined;
  /** Of what was wanted. */
  readonly lostSeconds: number | null;
}

/** A clock that is further ahead of ours says nothing about our time, milliseconds. */
const SKEW = 5 * 60_000;

/**
 * How far a copy got, and how much that is short of what was wanted. Of everything that is stored it is the receiver's word
 * that counts, with the last commit behind it; a target that the server says it reached is not short of anything.
 */
export function recoveredPoint(facts: PointFacts): RecoveredPoint {
  const { target, began, storedUntil, lastCommit, backupEnd, isWhole } = facts;
  const seen = Math.max(backupEnd, lastCommit ?? backupEnd);
  if (target.kind === 'time') return { recoveredTo: Number(target.time / 1000n), lostSeconds: 0 };
  if (target.kind !== 'everything') return { recoveredTo: seen, lostSeconds: 0 };
  const until = isWhole ? storedUntil : seen;
  if (until === undefined) return { recoveredTo: undefined, lostSeconds: null };
  const lost = began - Math.max(until, seen);
  if (lost < -SKEW) return { recoveredTo: until, lostSeconds: null };
  return { recoveredTo: Math.max(until, seen), lostSeconds: Math.max(0, lost) / 1000 };
}

/**
 * Until when everything is stored that the backup can be rolled forward to, as the receiver said, or by the last transaction
 * where that is newer; undefined where nobody can tell. To be asked before the log is planned with, since a receiver may go on
 * storing. The server of the copy does not tell of the transaction that it stopped at.
 * @throws LarderError the store's errors
 */
export async function storedUntil(store: ObjectStore, backup: CommitRecord): Promise<number | undefined> {
  const own = Date.parse(backup.endTime);
  try {
    const archive = await findArchive(store, backup.systemIdentifier);
    if (archive === undefined) return own;
    const index = await readWalIndex(store, archive);
    const reach = reachOfBackup(index, backup, 'latest');
    const last = await new StoredLog(store, { archive, index, path: reach.path }).lastTransaction(reach);
    const { received } = index;
    const isKnown = received !== undefined && received.stored <= reach.until;
    const complete = isKnown ? completeOn(index, reach.path) : undefined;
    return Math.max(own, complete ?? own, last === undefined ? own : Number(last / 1000n));
  } catch (thrown) {
    const error = toLarderError(thrown);
    if (isDamage(error) || error.code === 'RESTORE_REFUSED') return undefined;
    throw error;
  }
}
