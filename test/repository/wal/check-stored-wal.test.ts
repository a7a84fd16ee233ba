import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkStoredWal } from '../../../src/repository/wal/check-stored-wal.ts';
import { segmentFinder, type StoredSegment } from '../../../src/repository/wal/stored-segment.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { makeArchive, segmentBytes, storeSegment, SEGMENT_SIZE } from '../../support/stored-wal.ts';

async function listed(store: ObjectStore): Promise<StoredSegment[]> {
  const index = await readWalIndex(store, await makeArchive(store));
  const find = segmentFinder(index);
  const segments = [...index.segments, ...index.tails.map(({ segment }) => segment)];
  return segments.flatMap((segment) => find(segment) ?? []);
}

/** The objects that are told of. */
async function check(store: ObjectStore, segments: StoredSegment[]): Promise<string[]> {
  const told: string[] = [];
  await checkStoredWal(store, segments, {
    archive: await makeArchive(store),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onDamage: (damage, object) => {
      expect(damage.message).toContain(object);
      told.push(`${damage.code} ${object}`);
    },
  });
  return told;
}

function memory(): ObjectStore {
  return openMemoryStore(new FakeClock());
}

describe('the check of stored WAL', () => {
  test.each([0, 1])('finds every flipped bit and every cut (level %i)', async (level) => {
    const store = memory();
    const object = await storeSegment(store, { number: 7, level });
    const segments = await listed(store);
    expect(await check(store, segments)).toEqual([]);
    const whole = Buffer.from(await store.get(object, 2 * SEGMENT_SIZE));
    const headers = fc.integer({ min: 0, max: 8 * 64 - 1 });
    const anywhere = fc.integer({ min: 0, max: 8 * whole.length - 1 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(headers, anywhere), async (bit) => {
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await store.replace(object, flipped);
        expect(await check(store, segments)).toEqual([`OBJECT_DAMAGED ${object}`]);
        await store.replace(object, whole.subarray(0, bit >> 3));
        expect(await check(store, segments)).toEqual([`OBJECT_DAMAGED ${object}`]);
      }),
      { numRuns: 150 },
    );
  });

  test('finds a segment in the place of another', async () => {
    const store = memory();
    const [seven, eight] = [
      await storeSegment(store, { number: 7 }),
      await storeSegment(store, { number: 8 }),
    ];
    await store.replace(seven, await store.get(eight, 2 * SEGMENT_SIZE));
    expect(await check(store, await listed(store))).toEqual([`OBJECT_DAMAGED ${seven}`]);
  });

  test('passes over a tail that gave way to its whole segment meanwhile, and tells of one that is gone', async () => {
    const store = memory();
    const tail = await storeSegment(store, { number: 9, tail: 5000 });
    const segments = await listed(store);
    await store.delete(tail);
    expect(await check(store, segments)).toEqual([`OBJECT_MISSING ${tail}`]);
    const whole = await storeSegment(store, { number: 9 });
    expect(await check(store, segments)).toEqual([]);
    await store.replace(whole, segmentBytes(1, 9));
    expect(await check(store, segments)).toEqual([`OBJECT_DAMAGED ${whole}`]);
  });
});
