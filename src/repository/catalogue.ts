import { LarderError, toLarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { COMMIT_RECORD_LIMIT, decodeCommitRecord, type CommitRecord } from './commit-record.ts';
import { backupOfCommitRecord, commitRecordName, parseBackupId } from './layout.ts';

/** A backup whose commit record cannot be read; it is shown, never left out. */
export interface UnreadableBackup {
  readonly id: string;
  readonly problem: LarderError;
}

export interface Catalogue {
  /** Oldest first. */
  readonly backups: readonly CommitRecord[];
  readonly unreadable: readonly UnreadableBackup[];
}

/** Reads every commit record of a repository. Throws what the store throws when it cannot be listed. */
export async function readCatalogue(store: ObjectStore): Promise<Catalogue> {
  const ids: string[] = [];
  for await (const object of store.list('')) {
    const id = backupOfCommitRecord(object.name);
    if (id !== undefined) ids.push(id);
  }
  const backups: CommitRecord[] = [];
  const unreadable: UnreadableBackup[] = [];
  for (const id of ids) {
    try {
      backups.push(await readCommitRecord(store, id));
    } catch (error) {
      unreadable.push({ id, problem: toLarderError(error) });
    }
  }
  backups.sort((a, b) => a.startTime.localeCompare(b.startTime) || a.id.localeCompare(b.id));
  return { backups, unreadable };
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
