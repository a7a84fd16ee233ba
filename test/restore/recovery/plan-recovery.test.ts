import { expect, test } from '@jest/globals';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { encodeCommitRecord } from '../../../src/repository/commit-record.ts';
import { commitRecordName } from '../../../src/repository/layout.ts';
import { openOrCreateRepository } from '../../../src/repository/repository.ts';
import { writePosition } from '../../../src/repository/wal/received-position.ts';
import { parseTarget } from '../../../src/restore/recovery/parse-target.ts';
import { planRecovery } from '../../../src/restore/recovery/plan-recovery.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { failureOf } from '../../support/backup-runner.ts';
import { commitRecord } from '../../support/commit-records.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { at, makeArchive, receivedUpTo, SYSTEM } from '../../support/stored-wal.ts';

const own = { systemIdentifier: SYSTEM };
const before = commitRecord('2026-11-20T02:00:00Z', { ...own, stopLsn: formatLsn(at(3, 500)) });
const promoted = commitRecord('2026-11-21T02:00:00Z', {
  ...own,
  timeline: 2,
  stopLsn: formatLsn(at(9, 500)),
});

/** Two backups, of which the receiver has followed the server to the first one's timeline only. */
async function twoTimelines(): Promise<ObjectStore> {
  const clock = new FakeClock();
  const store = openMemoryStore(clock);
  const location = { kind: 'filesystem', directory: '/nowhere' } as const;
  await openOrCreateRepository(store, location, { lineage: { ...own, major: 17 }, clock });
  await makeArchive(store);
  await writePosition(store, SYSTEM, receivedUpTo(at(4)));
  for (const record of [before, promoted]) {
    await store.putIfAbsent(commitRecordName(record.id), encodeCommitRecord(record));
  }
  return store;
}

test('the newest backup is the latest one, though nothing was received of its timeline yet', async () => {
  const { backup, recovery } = await planRecovery(await twoTimelines(), 'latest', parseTarget({}, 0));
  expect(backup.id).toBe(promoted.id);
  expect(recovery).toBeUndefined();
});

test('a target before it begins with a backup that ended before the target', async () => {
  const target = parseTarget({ targetLsn: formatLsn(at(5)) }, 0);
  const refused = await failureOf(planRecovery(await twoTimelines(), 'latest', target));
  expect(refused).toMatchObject({ code: 'RESTORE_REFUSED', hint: expect.stringContaining(before.id) });
});
