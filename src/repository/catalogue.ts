import { LarderError, toLarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { listBackupObjects } from './backup-objects.ts';
import { COMMIT_RECORD_LIMIT, decodeCommitRecord, type CommitRecord } from './commit-record.ts';
import { backupOfCommitRecord, commitRecordName, parseBackupId, parseProofRecordName } from './layout.ts';
import { proofStates, type ProofStates } from './proof-state.ts';

/** A backup whose commit record cannot be read; it is shown, never left out. */
export interface UnreadableBackup {
  readonly id: string;
  readonly problem: LarderError;
}

export interface Catalogue {
  /** Oldest first. */
  readonly backups: readonly CommitRecord[];
  readonly unreadable: readonly UnreadableBackup[];
  /** What the last proof of each came to. */
  readonly proofs: ProofStates;
}

/** Commit records that are read at a time: each is a way to the store and back. */
const READ_TOGETHER = 16;

/** Reads every commit record of a repository. Throws what the store throws when it cannot be listed. */
export async function readCatalogue(store: ObjectStore): Promise<Catalogue> {
  const ids: string[] = [];
  const records: string[] = [];
  for await (const { name } of listBackupObjects(store)) {
    const id = backupOfCommitRecord(name);
    if (id !== undefined) ids.push(id);
    else if (parseProofRecordName(name) !== undefined) records.push(name);
  }
  const backups: CommitRecord[] = [];
  const unreadable: UnreadableBackup[] = [];
  for (let first = 0; first < ids.length; first += READ_TOGETHER) {
    const read = ids.slice(first, first + READ_TOGETHER).map((id) => readOrProblem(store, id));
    for (const found of await Promise.all(read)) {
      if ('problem' in found) unreadable.push(found);
      else backups.push(found);
    }
  }
  backups.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  return { backups, unreadable, proofs: proofStates(records) };
}

/** By the start, and the id where two began at once; compared byte by byte, without the rules of a language. */
function orderOf({ startTime, id }: CommitRecord): string {
  return `${startTime} ${id}`;
}

async function readOrProblem(store: ObjectStore, id: string): Promise<CommitRecord | UnreadableBackup> {
  try {
    return await readCommitRecord(store, id);
  } catch (error) {
    return { id, problem: toLarderError(error) };
  }
}

/**
 * The commit record of one backup.
 * @throws LarderError BACKUP_UNKNOWN when there is none of that id; OBJECT_DAMAGED; REPOSITORY_NEWER_FORMAT
 */
export async function readCommitRecord(store: ObjectStore, id: string): Promise<CommitRecord> {
  if (parseBackupId(id) === undefined) throw unknownBackup(store, id);
  const name = commitRecordName(id);
  let bytes: Uint8Array;
  try {
    bytes = await store.get(name, COMMIT_RECORD_LIMIT);
  } catch (error) {
    throw error instanceof LarderError && error.code === 'OBJECT_MISSING' ? unknownBackup(store, id) : error;
  }
  const record = decodeCommitRecord(bytes, name);
  if (record.id !== id)
    throw new LarderError('OBJECT_DAMAGED', `${name} is the commit record of ${record.id}`);
  return record;
}

/**
 * The backup that a user means by an id or by `latest`: the newest complete one.
 * @throws LarderError BACKUP_UNKNOWN
 */
export async function findBackup(store: ObjectStore, idOrLatest: string): Promise<CommitRecord> {
  if (idOrLatest !== 'latest') return readCommitRecord(store, idOrLatest);
  const { backups, unreadable } = await readCatalogue(store);
  const newest = backups.findLast((backup) => backup.state === 'complete');
  if (newest === undefined) {
    throw new LarderError('BACKUP_UNKNOWN', `${store.description} holds no complete backup`, {
      hint: '"larder list" shows what there is.',
    });
  }
  // an unreadable record may be of a newer backup: taking an older one for the latest must be somebody's decision
  const newer = unreadable.find(({ id }) => (parseBackupId(id)?.started ?? 0) > Date.parse(newest.startTime));
  if (newer !== undefined) {
    throw new LarderError(
      'OBJECT_DAMAGED',
      `a backup newer than ${newest.id} cannot be read: ${newer.problem.message}`,
      {
        hint: `Name the backup to use, for example ${newest.id}.`,
        cause: newer.problem,
      },
    );
  }
  return newest;
}

function unknownBackup(store: ObjectStore, id: string): LarderError {
  return new LarderError(
    'BACKUP_UNKNOWN',
    `there is no backup ${JSON.stringify(id.slice(0, 200))} in ${store.description}`,
    {
      hint: '"larder list" shows every backup with its id.',
    },
  );
}
