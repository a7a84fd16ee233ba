import { LarderError } from '../errors.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { openRepository, type Repository } from './repository.ts';

/**
 * Opens a repository that is known to have held backups of the cluster. An empty place is then no place to begin anew: a
 * volume that is not mounted looks the same, and a new repository in the directory below it would hide the loss.
 * @throws LarderError REPOSITORY_MISSING, and as `openRepository`
 */
export async function expectRepository(
  store: ObjectStore,
  location: StoreLocation,
  cluster: string,
): Promise<Repository> {
  try {
    return await openRepository(store, location);
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'REPOSITORY_MISSING') throw error;
    throw new LarderError(
      'REPOSITORY_MISSING',
      `the repository at ${store.description} is gone: backups of ${cluster} were stored there before`,
      {
        hint: 'Check that its volume is mounted and that BACKUP_DIR is right; "larder backup --new-repository" begins a new one.',
        cause: error,
      },
    );
  }
}
