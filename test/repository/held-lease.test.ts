import { beforeEach, describe, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { acquireLease, type LeaseRequest } from '../../src/repository/lease.ts';
import { leaseName, listLeases, readLease } from '../../src/repository/lease-record.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('a lease', () => {
  let clock: FakeClock;
  let store: ObjectStore;
  let asked: LeaseRequest;

  beforeEach(() => {
    clock = new FakeClock();
    store = openMemoryStore(clock);
    const signal = new AbortController().signal;
    asked = {
      holder: 'backup',
      clock,
      processIdentity: { host: 'db1', pid: 1 },
      waitMilliseconds: 0,
      signal,
    };
  });

  test('renews itself every 20 seconds, for as long as it is held', async () => {
    await using lease = await acquireLease(store, asked);
    const start = clock.now();
    await clock.advance(3_600_000);
    expect(lease.signal.aborted).toBe(false);
    expect(await readLease(store)).toMatchObject({ record: { acquired: start, renewed: clock.now() } });
  });

  test('stops renewing at its release, and cannot be asserted after it', async () => {
    const lease = await acquireLease(store, asked);
    const other = await acquireLease(store, asked).catch((error: unknown) => error);
    expect(other).toMatchObject({ code: 'LEASE_HELD' });
    await lease.release();
    const before = await readLease(store);
    expect(before?.record?.released).toBe(clock.now());
    await clock.advance(120_000);
    expect(clock.sleeping).toBe(0);
    expect(await readLease(store)).toEqual(before);
    await expect(lease.assertHeld()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(lease.signal.aborted).toBe(false);
  });

  test('is lost to a higher epoch: the signal aborts at the next renewal, and the winner keeps its object', async () => {
    const lease = await acquireLease(store, asked);
    await store.putIfAbsent(leaseName(2), Buffer.from('somebody else'));
    await clock.advance(20_000);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toMatchObject({ code: 'LEASE_LOST', retryable: true });
    await expect(lease.assertHeld()).rejects.toBe(lease.signal.reason);
    await lease.release();
    expect(await readLease(store)).toMatchObject({ epoch: 2 });
    expect(clock.sleeping).toBe(0);
  });

  test('is lost at the assertion before the commit, without waiting for a renewal', async () => {
    const lease = await acquireLease(store, asked);
    await store.putIfAbsent(leaseName(2), Buffer.from('somebody else'));
    const lost = expect(lease.assertHeld()).rejects;
    await lost.toMatchObject({
      code: 'LEASE_LOST',
      message:
        'the lease of memory was lost: it was taken over by a lease that cannot be read (lease/0000000002), written 0 seconds ago',
    });
    expect(lease.signal.aborted).toBe(true);
  });

  test('leaves no trace when it is released after a takeover that it had not noticed', async () => {
    const lease = await acquireLease(store, asked);
    await store.putIfAbsent(leaseName(2), Buffer.from('somebody else'));
    await store.delete(leaseName(1));
    await lease.release();
    expect((await listLeases(store)).map(({ epoch }) => epoch)).toEqual([2]);
  });

  test('is lost when its object is removed from outside', async () => {
    const lease = await acquireLease(store, asked);
    await store.delete(leaseName(1));
    await expect(lease.assertHeld()).rejects.toThrow('its object was removed from outside');
  });

  test('lives through two renewals that fail, and is lost with the third', async () => {
    let down = false;
    const refuse = (): Promise<never> => Promise.reject(new LarderError('REPOSITORY_UNREACHABLE', 'gone'));
    const replace = store.replace.bind(store);
    store.replace = (name, bytes) => (down ? refuse() : replace(name, bytes));
    const lease = await acquireLease(store, asked);
    down = true;
    await clock.advance(45_000);
    expect(lease.signal.aborted).toBe(false);
    down = false;
    await clock.advance(15_000);
    down = true;
    await clock.advance(59_000);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1_000);
    expect(lease.signal.reason).toMatchObject({
      code: 'LEASE_LOST',
      message: 'the lease of memory was lost: it could not be renewed for 60 seconds',
      cause: { code: 'REPOSITORY_UNREACHABLE' },
    });
    await lease.release();
  });
});
