import { beforeEach, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { watchedStore } from '../../src/observability/watched-store.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { systemClock } from '../../src/clock.ts';
import { describeObjectStore } from '../storage/object-store-contract.ts';
import { FakeClock } from '../support/fake-clock.ts';

const clock = new FakeClock();
let calls: object[];
let inner: ObjectStore;
let store: ObjectStore;

beforeEach(() => {
  calls = [];
  inner = openMemoryStore(clock);
  store = watchedStore(inner, clock, (call) => calls.push(call));
});

describeObjectStore('watched', () =>
  Promise.resolve({
    store: watchedStore(openMemoryStore(systemClock), systemClock, () => undefined),
    close: () => Promise.resolve(),
  }),
);

test('what a store that works answers is no failure, what keeps it from answering is', async () => {
  await store.putIfAbsent('a/b', Buffer.from('x'));
  await expect(store.putIfAbsent('a/b', Buffer.from('x'))).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
  await expect(store.get('a/c', 10)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  inner.stat = () => Promise.reject(new LarderError('REPOSITORY_UNREACHABLE', 'not now'));
  await expect(store.stat('a/b')).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  expect(calls).toEqual([
    { operation: 'put', seconds: 0, failed: false },
    { operation: 'put', seconds: 0, failed: false },
    { operation: 'get', seconds: 0, failed: false },
    { operation: 'stat', seconds: 0, failed: true },
  ]);
});

test('a listing takes as long as the store is waited for, whatever is done with each object', async () => {
  await store.putIfAbsent('a/b', Buffer.from('x'));
  await store.putIfAbsent('a/c', Buffer.from('x'));
  calls = [];
  for await (const object of store.list('a/')) {
    await clock.advance(5000);
    if (object.name === 'a/c') break;
  }
  expect(calls).toEqual([{ operation: 'list', seconds: 0, failed: false }]);
});
