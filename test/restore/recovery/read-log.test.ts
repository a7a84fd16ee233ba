import { beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/clock.ts';
import { FramedObjectWriter } from '../../../src/repository/frames/framed-object.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { walSegmentObject } from '../../../src/repository/wal/wal-layout.ts';
import { StoredLog } from '../../../src/restore/recovery/read-log.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import { failureOf } from '../../support/backup-runner.ts';
import { WalLog } from '../../support/wal-log.ts';

const SIZE = 1024 * 1024;
const archive = {
  formatVersion: 1 as const,
  systemIdentifier: '7711013837087516379',
  major: 17,
  segmentSize: SIZE,
  created: '2026-11-22T02:00:00Z',
};

let log: WalLog;
beforeEach(() => {
  log = new WalLog({ start: BigInt(SIZE), segmentSize: SIZE, blockSize: 8192 });
  while (log.bytes.length < 2.5 * SIZE) {
    log.add({ resourceManager: 10, info: 0, transaction: 700, data: Buffer.alloc(5000, 1) });
  }
});

/** The log in a store, whole segments from number 1 on. */
async function stored(bytes: Buffer): Promise<StoredLog> {
  const store = openMemoryStore(systemClock);
  for (let number = 1n; Number(number) * SIZE <= bytes.length; number++) {
    const name = walSegmentObject(archive.systemIdentifier, { timeline: 1, number }, SIZE);
    const writer = await FramedObjectWriter.open(store, name, 'wal', 1);
    await writer.write(bytes.subarray(Number(number - 1n) * SIZE, Number(number) * SIZE));
    await writer.commit();
  }
  const index = await readWalIndex(store, archive);
  return new StoredLog(store, { archive, index, path: { timeline: 1, history: [] } });
}

const lastStart = (of: StoredLog): Promise<bigint | undefined> =>
  of.findLast(BigInt(SIZE), BigInt(3 * SIZE), ({ start }) => start);

describe('the last record of the log', () => {
  test('is the last complete one, where the log breaks off in a record', async () => {
    const last = log.records.findLast(({ stop }) => stop <= BigInt(3 * SIZE));
    expect(await lastStart(await stored(log.bytes))).toBe(last?.start);
  });

  test('is nowhere when something else than the log is stored at its end: nothing shorter is taken for all of it', async () => {
    const bytes = Buffer.from(log.bytes);
    bytes.fill(7, SIZE + 4 * 8192, 2 * SIZE);
    const failure = await failureOf(lastStart(await stored(bytes)));
    expect(failure).toMatchObject({ code: 'OBJECT_DAMAGED' });
    expect(failure.message).toContain('000000010000000000000002');
    bytes.fill(0, SIZE + 4 * 8192, 2 * SIZE);
    expect(await failureOf(lastStart(await stored(bytes)))).toMatchObject({ code: 'OBJECT_DAMAGED' });
  });

  test('is before a switch of segments, whose rest is no log', async () => {
    log.addSwitch();
    expect(log.bytes.length % SIZE).toBe(0);
    const of = await stored(log.bytes);
    const end = BigInt(SIZE + log.bytes.length);
    expect(await of.findLast(BigInt(SIZE), end, ({ start }) => start)).toBe(log.records.at(-1)?.start);
  });
});
