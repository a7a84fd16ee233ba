import type { ObjectStore } from '../storage/object-store.ts';
import { listBackupObjects } from './backup-objects.ts';
import { readCommitRecord } from './catalogue.ts';
import {
  backupOfCommitRecord,
  backupOfObject,
  backupPrefix,
  commitRecordName,
  parseBackupId,
} from './layout.ts';

/** What was removed. */
export interface Swept {
  /** Ids of backups that were never committed, or whose deletion was not finished. */
  readonly backups: readonly string[];
  readonly temporaryFiles: number;
}

/**
 * Removes what a run that was killed left behind: temporary files, and the objects of backups without a commit record.
 * Only the holder of the repository's lease may call it: everybody else's unfinished backup is then a dead one. One that a
 * committed backup builds on is not a leftover, whatever became of its record: its packs are still needed.
 */
export async function sweepLeftovers(store: ObjectStore): Promise<Swept> {
  const temporaryFiles = await store.sweepUnfinished();
  const committed = new Set<string>();
  const objects = new Map<string, string[]>();
  for await (const { name } of listBackupObjects(store)) {
    const record = backupOfCommitRecord(name);
    if (record !== undefined) committed.add(record);
    const backup = backupOfObject(name);
    if (backup === undefined) continue;
    const names = objects.get(backup);
    if (names === undefined) objects.set(backup, [name]);
    else names.push(name);
  }
  const uncommitted = [...objects].filter(([id]) => !committed.has(id));
  const isNeeded = uncommitted.length === 0 ? () => false : await neededByOthers(store, committed);
  const backups: string[] = [];
  for (const [id, names] of uncommitted) {
    if (isNeeded(id)) continue;
    // a listing can be stale; the question put to the one object that decides is not
    if ((await store.stat(commitRecordName(id))) !== undefined) continue;
    for (const name of names) await store.delete(name);
    backups.push(id);
  }
  return { backups, temporaryFiles };
}

/** Whether a committed backup builds on it; one whose record cannot be read may build on anything older. */
async function neededByOthers(
  store: ObjectStore,
  committed: ReadonlySet<string>,
): Promise<(id: string) => boolean> {
  const needed = new Set<string>();
  let newestUnreadable = Number.NEGATIVE_INFINITY;
  for (const id of committed) {
    try {
      const { parent, chain } = await readCommitRecord(store, id);
      needed.add(chain);
      if (parent !== null) needed.add(parent);
    } catch {
      newestUnreadable = Math.max(newestUnreadable, startOf(id));
    }
  }
  return (id) => needed.has(id) || startOf(id) < newestUnreadable;
}

function startOf(id: string): number {
  return parseBackupId(id)?.started ?? 0;
}

/** Removes the objects of one backup that will not be committed. The caller holds the lease. */
export async function discardBackup(store: ObjectStore, backupId: string): Promise<void> {
  // its record may have been stored by a call that failed: without it, the rest is nobody's
  await store.delete(commitRecordName(backupId));
  const names: string[] = [];
  for await (const { name } of store.list(backupPrefix(backupId))) names.push(name);
  for (const name of names) await store.delete(name);
}
