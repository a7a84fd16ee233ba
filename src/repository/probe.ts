import { randomBytes, randomUUID } from 'node:crypto';
import { LarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const PROBE_BYTES = 4096;

/**
 * Writes an object of 4 KiB, reads it back and removes it: what every backup needs of its store. The object's name is
 * new each time, so that a probe beside a running backup harms neither.
 * @throws LarderError OBJECT_DAMAGED when other bytes come back; whatever the store throws
 */
export async function probeStore(store: ObjectStore): Promise<void> {
  const name = `probe/${randomUUID()}`;
  const written = randomBytes(PROBE_BYTES);
  await store.putIfAbsent(name, written);
  try {
    const read = await store.get(name, PROBE_BYTES);
    if (!written.equals(read)) {
      throw new LarderError(
        'OBJECT_DAMAGED',
        `${store.description} gave back other bytes than were written`,
        {
          hint: 'Check the disk and its file system; a repository there would not keep backups.',
        },
      );
    }
  } finally {
    await store.delete(name);
  }
}
