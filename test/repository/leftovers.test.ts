import { beforeEach, describe, expect, test } from '@jest/globals';
import { commitRecordName, manifestName, packName } from '../../src/repository/layout.ts';
import { discardBackup, sweepLeftovers } from '../../src/repository/leftovers.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { FakeClock } from '../support/fake-clock.ts';

const WHOLE = 'full_backup_truck_20261121_020000';
const DEAD = 'full_backup_truck_20261122_020000';
const others = [
  'repository.json',
  'lease/0000000001',
  'transaction_logs/1/00000001.history',
  'notes/read.me',
];
let store: ObjectStore;

beforeEach(() => {
  store = openMemoryStore(new FakeClock());
});

async function put(...names: string[]): Promise<void> {
  for (const name of names) await store.putIfAbsent(name, Buffer.of(1));
}

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list('')) found.push(name);
  return found.toSorted();
}

describe('sweeping leftovers', () => {
  test('removes the objects of backups without a commit record, and nothing else', async () => {
    const kept = [...others, packName(WHOLE, 1), manifestName(WHOLE), commitRecordName(WHOLE)];
    await put(...kept, packName(DEAD, 1), packName(DEAD, 2), `${DEAD}/${DEAD}.verified`);
    expect(await sweepLeftovers(store)).toEqual({ backups: [DEAD], temporaryFiles: 0 });
    expect(await names()).toEqual(kept.toSorted());
    expect(await sweepLeftovers(store)).toEqual({ backups: [], temporaryFiles: 0 });
  });

  test('removes what was never finished', async () => {
    const writer = await store.create(packName(DEAD, 1));
    await writer.append(Buffer.of(1));
    expect(await sweepLeftovers(store)).toEqual({ backups: [], temporaryFiles: 1 });
    await expect(writer.commit()).rejects.toThrow();
  });

  test('asks for the commit record once more, and then neither removes nor names the backup', async () => {
    await put(packName(WHOLE, 1), commitRecordName(WHOLE));
    // a listing that was made a moment too early
    const list = store.list.bind(store);
    store.list = async function* (prefix) {
      for await (const object of list(prefix)) if (!object.name.endsWith('.meta')) yield object;
    };
    expect(await sweepLeftovers(store)).toEqual({ backups: [], temporaryFiles: 0 });
    store.list = list;
    expect(await names()).toHaveLength(2);
  });
});

describe('discarding a backup', () => {
  test('removes all of it and nothing of its neighbours', async () => {
    const neighbour = `${DEAD}1/data-00001.pack`;
    await put(...others, neighbour, packName(WHOLE, 1), packName(DEAD, 1), manifestName(DEAD));
    await discardBackup(store, DEAD);
    expect(await names()).toEqual([...others, neighbour, packName(WHOLE, 1)].toSorted());
  });

  test('removes its commit record before anything that record promises', async () => {
    await put(packName(DEAD, 1), manifestName(DEAD), commitRecordName(DEAD));
    const order: string[] = [];
    const remove = store.delete.bind(store);
    store.delete = (name) => {
      order.push(name);
      return remove(name);
    };
    await discardBackup(store, DEAD);
    expect(order[0]).toBe(commitRecordName(DEAD));
    expect(await names()).toEqual([]);
  });
});
