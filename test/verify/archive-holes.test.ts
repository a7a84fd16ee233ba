import { describe, expect, test } from '@jest/globals';
import { formatLsn } from '../../src/postgres/lsn.ts';
import { FramedObjectWriter } from '../../src/repository/frames/framed-object.ts';
import type { WalIndex } from '../../src/repository/wal/wal-index.ts';
import { walSegmentObject } from '../../src/repository/wal/wal-layout.ts';
import { rollForwardOf } from '../../src/restore/recovery/roll-forward.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import { archiveHoles, lostHistories, unknownEnd } from '../../src/verify/archive-holes.ts';
import { recoveryWindows } from '../../src/verify/recovery-windows.ts';
import { commitRecord } from '../support/commit-records.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { at, indexOf, makeArchive, receivedUpTo, SEGMENT_SIZE, SYSTEM } from '../support/stored-wal.ts';
import { WalLog } from '../support/wal-log.ts';

/** A full backup that ends in that segment, and how far it can be rolled forward. */
async function backupIn(segment: number, index: WalIndex, store = openMemoryStore(new FakeClock())) {
  const archive = await makeArchive(store);
  const stopLsn = formatLsn(at(segment, 500));
  const backup = commitRecord(`2026-11-${10 + segment}T02:00:00Z`, { stopLsn, systemIdentifier: SYSTEM });
  return rollForwardOf(store, { archive, index }, backup);
}

/** Complete until a time, so that no bytes need to be read for it. */
function received(segment: number): WalIndex['received'] {
  return { ...receivedUpTo(at(segment)), complete: Date.parse('2026-11-30T00:00:00Z') };
}

const numbered = (...numbers: number[]): [number, number][] => numbers.map((number) => [1, number]);

describe('the holes of an archive', () => {
  test('are not what retention has removed, and the backups before that need none of them', async () => {
    const pruned = new Map([[1, at(6)]]);
    const index = indexOf(numbered(6, 7, 9), { received: received(10), pruned });
    const old = await backupIn(3, index);
    expect(old).toMatchObject({ state: 'own-end', removed: true, hole: undefined });
    expect(archiveHoles(index, [old, await backupIn(9, index)])).toMatchObject([
      { segment: '000000010000000000000008', needed: false },
    ]);
    // the same without the record of it
    const lost = { ...index, pruned: new Map<number, bigint>() };
    expect(archiveHoles(lost, [await backupIn(3, lost)])).toMatchObject([
      { segment: '000000010000000000000004', needed: true },
      { segment: '000000010000000000000008', needed: true },
    ]);
  });

  test('are all told, each once, whatever number of backups lie before them', async () => {
    const index = indexOf(numbered(3, 4, 6, 7, 9), { received: received(11) });
    // how far those before a hole reach would be read from the log
    const backups = await Promise.all([backupIn(9, index)]);
    expect(archiveHoles(index, backups).map(({ segment, needed }) => [segment.at(-1), needed])).toEqual([
      ['5', false],
      ['8', false],
      ['A', true],
    ]);
    expect(archiveHoles(index, []).every(({ needed }) => needed)).toBe(true);
  });

  test('begin in front of the first segment when a backup ended long before it', async () => {
    const index = indexOf(numbered(6, 7), { received: received(8) });
    const backup = await backupIn(3, index);
    expect(backup).toMatchObject({ state: 'own-end', until: { lsn: at(3, 500) } });
    expect(archiveHoles(index, [backup])).toMatchObject([{ start: at(4), end: at(6), needed: true }]);
  });
});

test('a window begins with the oldest backup that reaches its end', async () => {
  const index = indexOf(numbered(3, 4, 5, 6), { received: received(7) });
  const backups = await Promise.all([backupIn(5, index), backupIn(3, index)]);
  const until = { lsn: at(7), time: '2026-11-30T00:00:00.000Z' };
  expect(recoveryWindows(backups)).toMatchObject([{ from: { lsn: at(3, 500) }, until }]);
  expect(recoveryWindows([await backupIn(9, index)])).toEqual([]);
});

/** Whole segments in which only a record without a transaction and a switch lie. */
async function storeLogWithoutTransactions(store: ObjectStore, numbers: readonly number[]): Promise<void> {
  const log = new WalLog({ start: at(numbers[0]!), segmentSize: SEGMENT_SIZE, blockSize: 8192 });
  for (let i = 0; i < numbers.length; i++) {
    log.add({ resourceManager: 0, info: 0x20, transaction: 0, data: Buffer.of(255, 0) });
    log.addSwitch();
  }
  for (const [i, number] of numbers.entries()) {
    const object = walSegmentObject(SYSTEM, { timeline: 1, number: BigInt(number) }, SEGMENT_SIZE);
    const writer = await FramedObjectWriter.open(store, object, 'wal', 1);
    await writer.write(log.bytes.subarray(i * SEGMENT_SIZE, (i + 1) * SEGMENT_SIZE));
    await writer.commit();
  }
}

test('a window does not end before it begins, though the receiver has not said yet that it has everything', async () => {
  const store = openMemoryStore(new FakeClock());
  await storeLogWithoutTransactions(store, [3, 4]);
  const early = { ...receivedUpTo(at(5)), complete: Date.parse('2026-11-01T00:00:00Z') };
  const backup = await backupIn(3, indexOf(numbered(3, 4), { received: early }), store);
  expect(backup).toMatchObject({ state: 'log', until: { lsn: at(5), time: backup.from.time } });
});

test('what nobody can tell is said: where the archive ends, and where a timeline came from', () => {
  expect(unknownEnd(indexOf(numbered(3)))).toMatchObject([{ code: 'OBJECT_MISSING' }]);
  expect(unknownEnd(indexOf(numbered(3), { received: received(4) }))).toEqual([]);
  expect(unknownEnd(indexOf([]))).toEqual([]);
  const [lost] = lostHistories(indexOf([[2, 3]]));
  expect(lost?.message).toContain('00000002.history is missing');
  expect(lostHistories(indexOf(numbered(3), { received: receivedUpTo(at(4), 2) }))).toHaveLength(1);
  expect(lostHistories(indexOf(numbered(3)))).toEqual([]);
});
