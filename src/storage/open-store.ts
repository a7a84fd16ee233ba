import { openFilesystemStore } from './filesystem-store.ts';
import type { ObjectStore, StoreLocation } from './object-store.ts';

/** The store at `location`. Nothing is read yet: a worker thread that is handed the location opens its own. */
export function openStore(location: StoreLocation): ObjectStore {
  return openFilesystemStore(location);
}
