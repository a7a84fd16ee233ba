import { expect, test } from '@jest/globals';
import { findArchive } from '../../../src/repository/wal/archive-record.ts';
import { writeSealRecord } from '../../../src/repository/wal/seal-record.ts';
import { archiveRecordName } from '../../../src/repository/wal/wal-layout.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import { failureOf } from '../../support/backup-runner.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { makeArchive, storeSegment, SYSTEM } from '../../support/stored-wal.ts';

test('an archive that lost its record is never taken for one that never was', async () => {
  const store = openMemoryStore(new FakeClock());
  expect(await findArchive(store, SYSTEM)).toBeUndefined();
  const archive = await makeArchive(store);
  expect(await findArchive(store, SYSTEM)).toEqual(archive);
  const segment = await storeSegment(store, { number: 3 });
  await store.delete(archiveRecordName(SYSTEM));
  const lost = await failureOf(findArchive(store, SYSTEM));
  expect(lost).toMatchObject({ code: 'OBJECT_MISSING' });
  expect(lost.message).toContain('archive.json is missing');
  await store.delete(segment);
  expect(await findArchive(store, SYSTEM)).toBeUndefined();
  await writeSealRecord(store, {
    formatVersion: 1,
    cluster: 'truck',
    systemIdentifier: SYSTEM,
    timeline: 1,
    from: '0/3000000',
    to: '0/4000000',
    segments: 1,
    bytes: 2_097_152,
    gaps: [],
    startTime: '2026-11-22T02:00:00.000Z',
    endTime: '2026-11-22T02:00:01.000Z',
    larderVersion: 'test',
  });
  expect((await failureOf(findArchive(store, SYSTEM))).message).toContain('0/4000000 was sealed');
});
