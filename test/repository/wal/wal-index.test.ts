import { describe, expect, test } from '@jest/globals';
import { openOrCreateRepository } from '../../../src/repository/repository.ts';
import { writePosition } from '../../../src/repository/wal/received-position.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { positionName } from '../../../src/repository/wal/wal-layout.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import {
  at,
  makeArchive,
  receivedUpTo,
  storeHistoryOf,
  storeSegment,
  SYSTEM,
} from '../../support/stored-wal.ts';

const POSITION = { timeline: 2, stored: at(5, 100), complete: 1_795_000_000_000, updated: 1_795_000_000_500 };

async function repository(): Promise<ObjectStore> {
  const clock = new FakeClock();
  const store = openMemoryStore(clock);
  const location = { kind: 'filesystem', directory: '/nowhere' } as const;
  await openOrCreateRepository(store, location, { lineage: { systemIdentifier: SYSTEM, major: 17 }, clock });
  await writePosition(store, SYSTEM, POSITION);
  return store;
}

async function damagedIn(store: ObjectStore): Promise<string[]> {
  const { damaged } = await readWalIndex(store, await makeArchive(store));
  return damaged.map(({ code, message }) => `${code} ${message}`);
}

describe('what is listed of an archive', () => {
  test('says how far the receiver was', async () => {
    const store = await repository();
    expect((await readWalIndex(store, await makeArchive(store))).received).toEqual(POSITION);
  });

  test('names the records and histories that cannot be read, whichever bit of them has changed', async () => {
    const store = await repository();
    const history = await storeHistoryOf(store, 2, [{ timeline: 1, end: at(4, 200) }]);
    expect(await damagedIn(store)).toEqual([]);
    for (const name of [history, positionName(SYSTEM)]) {
      const whole = Buffer.from(await store.get(name, 10_000));
      for (let byte = 0; byte < whole.length; byte++) {
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(whole.readUInt8(byte) ^ 0x08, byte);
        await store.replace(name, flipped);
        expect(await damagedIn(store)).toEqual([expect.stringMatching(/^OBJECT_DAMAGED transaction_logs/)]);
      }
      await store.replace(name, whole);
    }
  });
});

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
  const store = await repository();
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
