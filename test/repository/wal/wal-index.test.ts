import { expect, test } from '@jest/globals';
import { writePosition } from '../../../src/repository/wal/received-position.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { at, makeArchive, receivedUpTo, storeSegment, SYSTEM } from '../../support/stored-wal.ts';

/** Does something after each listing; counts them. */
function watched(store: ObjectStore, afterListing: (times: number) => Promise<void>) {
  const seen = { listings: 0 };
  const list = async function* (prefix: string) {
    for await (const entry of store.list(prefix)) yield entry;
    await afterListing(++seen.listings);
  };
  const watching = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name === 'list' ? list : Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { store: watching, seen };
}

async function archiveWith(segments: number[], stored: bigint): Promise<ObjectStore> {
  const store = openMemoryStore(new FakeClock());
  await store.putIfAbsent('repository.json', Buffer.from('{}'));
  await makeArchive(store);
  for (const number of segments) await storeSegment(store, { number });
  await writePosition(store, SYSTEM, receivedUpTo(stored));
  return store;
}

test('an archive is listed once when everything is there', async () => {
  const { store, seen } = watched(await archiveWith([3, 4], at(5)), () => Promise.resolve());
  expect((await readWalIndex(store, await makeArchive(store))).received?.stored).toBe(at(5));
  expect(seen.listings).toBe(1);
});

test.each([
  ['at the end', [3, 4], at(5, 700)],
  ['in the middle', [3, 4, 6], at(7)],
])(
  'what gave way while an archive was listed, %s, is found by listing again',
  async (_, segments, stored) => {
    const plain = await archiveWith(segments, stored);
    const { store, seen } = watched(plain, async (times) => {
      if (times === 1) await storeSegment(plain, { number: 5 });
    });
    const index = await readWalIndex(store, await makeArchive(store));
    expect(index.segments).toContainEqual({ timeline: 1, number: 5n });
    expect(seen.listings).toBe(2);
  },
);

test('what is missing twice is missing, and what moves is looked for until it stands', async () => {
  const plain = await archiveWith([3, 5, 7], at(9));
  const { store, seen } = watched(plain, async (times) => {
    if (times === 1) await storeSegment(plain, { number: 6 });
  });
  const index = await readWalIndex(store, await makeArchive(store));
  expect(index.segments.map(({ number }) => number).sort()).toEqual([3n, 5n, 6n, 7n]);
  expect(seen.listings).toBe(3);
});
