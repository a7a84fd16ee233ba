import type { ObjectStore } from '../../storage/object-store.ts';
import { FramedObjectWriter, type StoredObject } from '../frames/framed-object.ts';
import { writeRecord } from '../frames/records.ts';
import { fingerprintName } from '../layout.ts';
import { encodeFingerprintRecord, type FingerprintRecord } from './records.ts';
import type { SchemaFingerprint } from './schema-fingerprint.ts';

/** Stores the fingerprint of a backup. Throws what the store throws. */
export async function writeFingerprint(
  store: ObjectStore,
  backupId: string,
  fingerprint: SchemaFingerprint,
): Promise<StoredObject> {
  const object = await FramedObjectWriter.open(store, fingerprintName(backupId), 'fingerprint', 3);
  try {
    for (const record of records(fingerprint)) await writeRecord(object, encodeFingerprintRecord(record));
    return await object.commit();
  } catch (error) {
    await object.abort();
    throw error;
  }
}

function* records({ databases, ...cluster }: SchemaFingerprint): Generator<FingerprintRecord> {
  yield { kind: 'cluster', ...cluster };
  for (const { objects, ...database } of databases) {
    yield { kind: 'database', database };
    for (const object of objects) yield { kind: 'object', object };
  }
  const objects = databases.reduce((sum, database) => sum + database.objects.length, 0);
  yield { kind: 'end', databases: databases.length, objects };
}
