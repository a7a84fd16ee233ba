import { beforeEach, describe, expect, test } from '@jest/globals';
import { lostPart } from '../../../src/repository/wal/lost-part.ts';
import { recordPruned } from '../../../src/repository/wal/pruned-log.ts';
import { missingOn } from '../../../src/repository/wal/missing-wal.ts';
import { pathTo } from '../../../src/repository/wal/timeline-path.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { prunedObject } from '../../../src/repository/wal/wal-layout.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { at, indexOf, makeArchive, storeSegment, SYSTEM } from '../../support/stored-wal.ts';

const histories = new Map([[2, [{ timeline: 1, end: at(6, 700) }]]]);

describe('of a hole', () => {
  const path = { timeline: 2, history: [{ timeline: 1, end: at(6, 700) }] };
  const lost = (pruned: [number, bigint][], from: number, to: number) =>
    lostPart(new Map(pruned), path, { start: at(from), end: at(to) });

  test('everything is lost where nothing was removed', () => {
    expect(lost([], 2, 9)).toEqual({ start: at(2), end: at(9) });
    expect(lost([[1, at(2)]], 2, 9)).toEqual({ start: at(2), end: at(9) });
    // what was removed of a later timeline says nothing of the one before it
    expect(lost([[2, at(8)]], 2, 9)).toEqual({ start: at(2), end: at(9) });
  });

  test('its beginning is not lost as far as that was removed, across a switch too', () => {
    expect(lost([[1, at(4)]], 2, 9)).toEqual({ start: at(4), end: at(9) });
    expect(lost([[1, at(7)]], 2, 9)).toEqual({ start: at(6, 700), end: at(9) });
    const both: [number, bigint][] = [
      [1, at(7)],
      [2, at(8)],
    ];
    expect(lost(both, 2, 9)).toEqual({ start: at(8), end: at(9) });
    expect(lost(both, 2, 8)).toBeUndefined();
    expect(lost(both, 2, 5)).toBeUndefined();
  });
});

test('what retention has removed between two stretches is not missing, and what is lost behind it is', () => {
  const index = indexOf([[1, 2], [2, 8], [2, 10]], { histories, pruned: new Map([[1, at(7)], [2, at(8)]]) }); // prettier-ignore
  expect(missingOn(index, pathTo(index, 2))).toMatchObject([{ start: at(9), end: at(10) }]);
});

describe('the record of what was removed', () => {
  let store: ObjectStore;
  beforeEach(() => {
    store = openMemoryStore(new FakeClock());
  });

  test('is read from the archive, the furthest of each timeline', async () => {
    const archive = await makeArchive(store);
    await storeSegment(store, { number: 5 });
    for (const before of [at(5), at(3), at(5)])
      await recordPruned(store, SYSTEM, { timeline: 1, before, recorded: 0 });
    const index = await readWalIndex(store, archive);
    expect(index.pruned).toEqual(new Map([[1, at(5)]]));
    expect(index.damaged).toEqual([]);
  });

  test('counts for nothing under the name of another', async () => {
    const archive = await makeArchive(store);
    await recordPruned(store, SYSTEM, { timeline: 1, before: at(5), recorded: 0 });
    const bytes = await store.get(prunedObject(SYSTEM, 1, at(5)), 1e6);
    await store.putIfAbsent(prunedObject(SYSTEM, 1, at(9)), bytes);
    const index = await readWalIndex(store, archive);
    expect(index.pruned).toEqual(new Map([[1, at(5)]]));
    expect(index.damaged).toHaveLength(1);
  });
});
