import { LarderError } from '../errors.ts';
import { readCommitRecord } from '../repository/catalogue.ts';
import { encodeCommitRecord, type CommitRecord } from '../repository/commit-record.ts';
import { readHolds } from '../repository/hold-record.ts';
import { expiredBackupName } from '../repository/layout.ts';
import { discardBackup } from '../repository/leftovers.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { activeHolds } from './read-facts.ts';

/**
 * Removes one backup, its commit record first: from then on it does not exist, and what a crash leaves of it is swept by
 * whoever takes the lease next. The record is read once more before, and the holds: what is removed is what was judged.
 *
 * @param now ms since 1970 UTC
 * @throws LarderError RETENTION_REFUSED when its record or its holds are not what they were; the store's errors
 */
export async function removeBackup(store: ObjectStore, planned: CommitRecord, now: number): Promise<void> {
  const { id } = planned;
  const found = await readCommitRecord(store, id);
  if (!encodeCommitRecord(found).equals(encodeCommitRecord(planned)))
    throw refused(id, 'its commit record is not the one that was judged');
  const [hold] = activeHolds(await readHolds(store, id), now);
  if (hold !== undefined) throw refused(id, `it is held now: ${hold.reason}`);
  await discardBackup(store, id);
  await store.delete(expiredBackupName(id));
}

function refused(id: string, why: string): LarderError {
  return new LarderError('RETENTION_REFUSED', `${id} was not removed: ${why}`, {
    hint: 'Run "larder prune" again: it judges everything anew.',
  });
}
