import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { storeSpooled } from '../../src/transaction-log/store-spooled.ts';
import { failureOf } from '../support/backup-runner.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { WalLog } from '../support/wal-log.ts';

const SIZE = 1024 * 1024;

let directory: TemporaryDirectory;
let store: ObjectStore;
beforeEach(async () => {
  directory = await temporaryDirectory();
  const log = new WalLog({ start: BigInt(SIZE), segmentSize: SIZE, blockSize: 8192 });
  log.add({ resourceManager: 10, info: 0, transaction: 700, data: Buffer.alloc(500, 1) });
  log.addSwitch();
  await writeFile(join(directory.path, 'segment'), log.bytes);
  store = openMemoryStore(systemClock);
  await store.putIfAbsent('repository.json', Buffer.from('{}'));
});
afterEach(async () => directory[Symbol.asyncDispose]());

const task = () => ({
  path: join(directory.path, 'segment'),
  object: 'transaction_logs/7711013837087516379/00000001/000000010000000000000001',
  from: 0,
  to: SIZE,
  expected: {
    segment: { timeline: 1, number: 1n },
    segmentSize: SIZE,
    systemIdentifier: '7711013837087516379',
    major: 17,
  },
});

describe('a segment', () => {
  test('is stored, and again as what it is', async () => {
    expect(await storeSpooled(store, task(), 1)).toBeGreaterThan(0);
    expect(await storeSpooled(store, task(), 1)).toBe((await store.stat(task().object))?.size);
  });

  test('is not stored in what the repository’s volume left behind when it went away meanwhile', async () => {
    const create = store.create.bind(store);
    store.create = async (name) => {
      await store.delete('repository.json');
      return create(name);
    };
    expect(await failureOf(storeSpooled(store, task(), 1))).toMatchObject({ code: 'REPOSITORY_MISSING' });
  });
});
