import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { BACKUP_PREFIXES } from './layout.ts';

/**
 * The objects of all backups. The transaction log is not looked through for them: it may have a hundred thousand objects.
 * @throws LarderError what the store throws when it cannot be listed
 */
export async function* listBackupObjects(store: ObjectStore): AsyncGenerator<ObjectInfo> {
  for (const prefix of BACKUP_PREFIXES) yield* store.list(prefix);
}
