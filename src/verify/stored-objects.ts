import { createHash } from 'node:crypto';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { toLarderError } from '../errors.ts';
import type { Findings } from './report.ts';

const READ = 4 * 1024 * 1024;

/** Checks that every object of a backup is there with the size and SHA-256 of the commit record. */
export async function checkStoredObjects(
  store: ObjectStore,
  backup: CommitRecord,
  { findings, signal }: { readonly findings: Findings; readonly signal: AbortSignal },
): Promise<void> {
  const buffer = Buffer.allocUnsafe(READ);
  for (const expected of backup.objects) {
    signal.throwIfAborted();
    const { name: object } = expected;
    const info = await store.stat(object);
    if (info === undefined) {
      findings.add({ code: 'OBJECT_MISSING', message: `${object} is missing`, object });
    } else if (info.size !== expected.size) {
      const message = `${object} has ${info.size} bytes instead of ${expected.size}`;
      findings.add({ code: 'OBJECT_DAMAGED', message, object });
    } else {
      await checkHash(store, expected, { findings, buffer });
    }
  }
}

async function checkHash(
  store: ObjectStore,
  { name: object, size, sha256 }: CommitRecord['objects'][number],
  { findings, buffer }: { readonly findings: Findings; readonly buffer: Buffer },
): Promise<void> {
  const hash = createHash('sha256');
  try {
    for (let offset = 0; offset < size; offset += buffer.length) {
      const part = buffer.subarray(0, Math.min(buffer.length, size - offset));
      await store.readInto(object, offset, part);
      hash.update(part);
    }
  } catch (error) {
    findings.addOrThrow(toLarderError(error), { object });
    return;
  }
  if (hash.digest('hex') === sha256) return;
  findings.add({
    code: 'OBJECT_DAMAGED',
    message: `${object} does not have the SHA-256 it was stored with`,
    object,
  });
}
