import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { acquireLease, type LeaseRequest } from '../../src/repository/lease.ts';
import { leaseName, listLeases, readLease } from '../../src/repository/lease-record.ts';
import { readProcessIdentity } from '../../src/process-identity.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { FakeClock } from '../support/fake-clock.ts';

const elsewhere = { host: 'db2', pid: 4711 };

function request(clock: FakeClock | typeof systemClock, more: Partial<LeaseRequest> = {}): LeaseRequest {
  const signal = new AbortController().signal;
  return {
    holder: 'backup',
    clock,
    processIdentity: readProcessIdentity(),
    waitMilliseconds: 0,
    signal,
    ...more,
  };
}

describe('taking a lease', () => {
  let clock: FakeClock;
  let store: ObjectStore;

  beforeEach(() => {
    clock = new FakeClock();
    store = openMemoryStore(clock);
  });

  test('begins with epoch 1 and records who took it', async () => {
    await using lease = await acquireLease(store, request(clock));
    expect(lease.epoch).toBe(1);
    expect(await readLease(store)).toMatchObject({
      name: 'lease/0000000001',
      record: {
        holder: 'backup',
        pid: process.pid,
        acquired: clock.now(),
        renewed: clock.now(),
        ttlSeconds: 60,
      },
    });
  });

  test('is refused while it is held, with the holder, its age and its end', async () => {
    await using held = await acquireLease(store, request(clock, { processIdentity: elsewhere }));
    await clock.advance(32_000);
    expect(held.signal.aborted).toBe(false);
    await expect(acquireLease(store, request(clock))).rejects.toMatchObject({
      code: 'LEASE_HELD',
      message:
        'the repository memory is held by a backup (process 4711 on db2) since 2026-11-22T12:00:00.000Z, renewed 12 seconds ago',
      hint: 'wait for it to end; if it is gone, the repository is free in 48 seconds, as soon as nothing renews lease/0000000001',
    });
  });

  test('is refused to a second taker in the same process', async () => {
    await using lease = await acquireLease(store, request(clock));
    await expect(acquireLease(store, request(clock))).rejects.toMatchObject({ code: 'LEASE_HELD' });
    await lease.assertHeld();
  });

  test('follows a release at once, with the next epoch, and removes the older object', async () => {
    for (const epoch of [1, 2, 3]) {
      const lease = await acquireLease(store, request(clock, { processIdentity: elsewhere }));
      expect(lease.epoch).toBe(epoch);
      await lease.release();
      await lease.release();
      expect((await listLeases(store)).map(({ name }) => name)).toEqual([leaseName(epoch)]);
    }
  });

  test('waits for the holder as long as it was told to', async () => {
    const held = await acquireLease(store, request(clock, { processIdentity: elsewhere }));
    const impatient = expectFailure(acquireLease(store, request(clock, { waitMilliseconds: 5_000 })));
    const patient = acquireLease(store, request(clock, { waitMilliseconds: 60_000 }));
    await clock.advance(10_000);
    expect(await impatient).toMatchObject({ code: 'LEASE_HELD' });
    await held.release();
    await clock.advance(1_000);
    await using lease = await patient;
    expect(lease.epoch).toBe(2);
  });

  test('stops waiting when it is told to, with the reason given', async () => {
    await using held = await acquireLease(store, request(clock, { processIdentity: elsewhere }));
    const stop = new AbortController();
    const waiting = expectFailure(
      acquireLease(store, request(clock, { waitMilliseconds: 60_000, signal: stop.signal })),
    );
    await clock.advance(3_000);
    const reason = new Error('enough');
    stop.abort(reason);
    expect(await waiting).toBe(reason);
    await held.assertHeld();
  });

  test('takes over what was not renewed for 60 seconds, not earlier', async () => {
    await putRecord(store, clock);
    clock.jump(59_999);
    await expect(acquireLease(store, request(clock))).rejects.toMatchObject({ code: 'LEASE_HELD' });
    clock.jump(1);
    await using lease = await acquireLease(store, request(clock));
    expect(lease.epoch).toBe(8);
  });

  test('counts an object that is no lease as held until the store says that it is old', async () => {
    for (const content of ['', '{', '{"epoch":7}', 'x'.repeat(5000)]) {
      await store.replace(leaseName(7), Buffer.from(content));
      clock.jump(12_000);
      await expect(acquireLease(store, request(clock))).rejects.toMatchObject({
        code: 'LEASE_HELD',
        message:
          'the repository memory is held by a lease that cannot be read (lease/0000000007), written 12 seconds ago',
      });
    }
    clock.jump(48_000);
    await using lease = await acquireLease(store, request(clock));
    expect(lease.epoch).toBe(8);
  });

  test('does not end up with an epoch that was removed while the taker stood still', async () => {
    await putRecord(store, clock);
    clock.jump(60_000);
    // between the taker's look and its put, others take epochs 8 and 9, and remove 7 and 8
    const paused: ObjectStore = Object.create(store) as ObjectStore;
    let first = true;
    paused.list = (prefix) => store.list(prefix);
    paused.get = (name, limit) => store.get(name, limit);
    paused.putIfAbsent = async (name, bytes) => {
      if (first) {
        first = false;
        const eighth = await acquireLease(store, request(clock, { processIdentity: elsewhere }));
        await eighth.release();
        await acquireLease(store, request(clock, { processIdentity: elsewhere }));
      }
      await store.putIfAbsent(name, bytes);
    };
    await expect(acquireLease(paused, request(clock))).rejects.toMatchObject({ code: 'LEASE_HELD' });
    expect(await readLease(store)).toMatchObject({ epoch: 9, record: { host: 'db2' } });
  });
});

describe('a repository in a directory', () => {
  let directory: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-lease-'));
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  const open = (): ObjectStore => openStore({ kind: 'filesystem', directory });

  const startHolder = async (): Promise<{ child: ChildProcess; ask: (line: string) => Promise<string> }> => {
    const program = join(import.meta.dirname, '..', 'support', 'programs', 'hold-lease.ts');
    const child = spawn(process.execPath, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    expect(await next()).toBe('held');
    const ask = (line: string): Promise<string> => {
      child.stdin.write(`${line}\n`);
      return next();
    };
    return { child, ask };
  };

  test('has one winner among ten takers, in every round', async () => {
    for (let round = 1; round <= 10; round++) {
      const takers = await Promise.allSettled(
        Array.from({ length: 10 }, () => acquireLease(open(), request(systemClock))),
      );
      const winners = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []));
      const losers = takers.filter((taker) => taker.status === 'rejected');
      expect(winners.map(({ epoch }) => epoch)).toEqual([round]);
      for (const { reason } of losers) expect(reason).toMatchObject({ code: 'LEASE_HELD' });
      await winners[0]?.assertHeld();
      await winners[0]?.release();
    }
  });

  test('is taken over at once from a process that was killed', async () => {
    const { child, ask } = await startHolder();
    expect(await ask('first')).toBe('first still');
    await expect(acquireLease(open(), request(systemClock))).rejects.toMatchObject({
      code: 'LEASE_HELD',
      message: expect.stringContaining(`a backup (process ${child.pid ?? 0} on `),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using lease = await acquireLease(open(), request(systemClock));
    expect(lease.epoch).toBe(2);
  });

  test('is taken from a process that stood still for too long, which learns it before its commit', async () => {
    const { child, ask } = await startHolder();
    child.kill('SIGSTOP');
    const clock = new FakeClock(Date.now());
    await expect(acquireLease(open(), request(clock))).rejects.toMatchObject({ code: 'LEASE_HELD' });
    clock.jump(61_000);
    await using lease = await acquireLease(open(), request(clock));
    child.kill('SIGCONT');
    expect(await ask('commit?')).toBe('commit? LEASE_LOST');
    await lease.assertHeld();
  });
});

async function putRecord(store: ObjectStore, clock: FakeClock): Promise<void> {
  const now = new Date(clock.now()).toISOString();
  const record = {
    epoch: 7,
    token: 'x',
    holder: 'backup',
    ...elsewhere,
    acquired: now,
    renewed: now,
    ttlSeconds: 60,
  };
  await store.putIfAbsent(leaseName(7), Buffer.from(JSON.stringify(record)));
}

async function expectFailure(pending: Promise<unknown>): Promise<unknown> {
  return await pending.then(
    () => undefined,
    (error: unknown) => error,
  );
}
