import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFingerprint, whyNoFingerprint } from '../../../src/repository/fingerprint/read-fingerprint.ts';
import {
  decodeFingerprintRecord,
  encodeFingerprintRecord,
  type FingerprintRecord,
} from '../../../src/repository/fingerprint/records.ts';
import { writeFingerprint } from '../../../src/repository/fingerprint/write-fingerprint.ts';
import { FramedObjectWriter } from '../../../src/repository/frames/framed-object.ts';
import { writeRecord } from '../../../src/repository/frames/records.ts';
import { fingerprintName } from '../../../src/repository/layout.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import { commitRecord } from '../../support/commit-records.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { schemaFingerprint } from '../../support/fingerprint/arbitrary-fingerprint.ts';

const STARTED = '2026-11-22T12:00:00Z';
const ID = 'full_backup_truck_20261122_120000';
const NAME = fingerprintName(ID);
const backup = commitRecord(STARTED, { objects: [{ name: NAME, size: 1, sha256: '' }] });

/** A fingerprint of records that no writer of ours would put together. */
async function readRecords(records: readonly FingerprintRecord[], more = Buffer.alloc(0)) {
  const store = openMemoryStore(new FakeClock());
  const object = await FramedObjectWriter.open(store, NAME, 'fingerprint', 1);
  for (const each of records) await writeRecord(object, encodeFingerprintRecord(each));
  await object.write(more);
  await object.commit();
  return readFingerprint(store, backup);
}

const server = { versionNumber: 170_000, dataChecksums: true, collations: [] };
const cluster: FingerprintRecord = { kind: 'cluster', settledBefore: 700n, server };
const object: FingerprintRecord = {
  kind: 'object',
  object: { kind: 'table', oid: 1, schema: 's', name: 't', presence: 'steady', digest: '', rows: undefined },
};
const end: FingerprintRecord = { kind: 'end', databases: 0, objects: 0 };

describe('a fingerprint', () => {
  test('is read as it was written, whatever the names are', async () => {
    await fc.assert(
      fc.asyncProperty(schemaFingerprint, async (fingerprint) => {
        const store = openMemoryStore(new FakeClock());
        const stored = await writeFingerprint(store, ID, fingerprint);
        expect(stored.name).toBe(NAME);
        expect(await readFingerprint(store, backup)).toEqual(fingerprint);
      }),
    );
  });

  test('that the commit record does not list is none, and the backup says why', async () => {
    const store = openMemoryStore(new FakeClock());
    expect(await readFingerprint(store, commitRecord(STARTED))).toBeUndefined();
    expect(whyNoFingerprint(commitRecord(STARTED))).toMatch(/^Larder .* took no fingerprint/);
    const warned = commitRecord(STARTED, { warnings: ['another', 'no fingerprint was taken: no time'] });
    expect(whyNoFingerprint(warned)).toBe('no fingerprint was taken: no time');
  });

  test('that is listed and not there is missing', async () => {
    const store = openMemoryStore(new FakeClock());
    await expect(readFingerprint(store, backup)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  });

  test.each<[string, FingerprintRecord[], string]>([
    ['has no end', [cluster], 'it has no end'],
    ['is empty', [], 'it has no end'],
    ['goes on after its end', [cluster, end, end], 'it goes on after its end'],
    ['has two beginnings', [cluster, cluster, end], 'it does not begin with the cluster, once'],
    ['has none', [end], 'it does not begin with the cluster, once'],
    ['has an object outside of any database', [cluster, object, end], 'it has an object without a database'],
    ['has lost something', [cluster, { ...end, databases: 1 }], 'its totals do not agree with what it lists'],
  ])('that %s is damaged', async (_, records, why) => {
    await expect(readRecords(records)).rejects.toMatchObject({
      code: 'OBJECT_DAMAGED',
      message: `${NAME} is damaged: ${why}`,
    });
  });

  test('that ends in the middle of a record is damaged', async () => {
    await expect(readRecords([cluster, end], Buffer.from([5, 1]))).rejects.toMatchObject({
      code: 'OBJECT_DAMAGED',
      message: `${NAME} is damaged: it ends in the middle of a record`,
    });
  });
});

test('any bytes are a record, or damage that is told', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        decodeFingerprintRecord(Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: 'OBJECT_DAMAGED' });
      }
    }),
  );
});
