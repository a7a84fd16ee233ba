import { beforeEach, describe, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { encodeCommitRecord, type CommitRecord } from '../../src/repository/commit-record.ts';
import { readMarks, writeMark } from '../../src/repository/expiry-mark.ts';
import { isActive, readHolds } from '../../src/repository/hold-record.ts';
import {
  commitRecordName,
  expiredBackupName,
  holdName,
  packName,
  releaseName,
} from '../../src/repository/layout.ts';
import { acquireLease } from '../../src/repository/lease.ts';
import { openOrCreateRepository } from '../../src/repository/repository.ts';
import { placeHold, releaseHolds } from '../../src/retention/place-hold.ts';
import { prune, type PruneRequest, type PruneResult } from '../../src/retention/prune.ts';
import { DEFAULT_POLICY } from '../../src/retention/policy.ts';
import { removeBackup } from '../../src/retention/remove-backup.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { failureOf } from '../support/backup-runner.ts';
import { commitRecord } from '../support/commit-records.ts';
import { FakeClock } from '../support/fake-clock.ts';

const location = { kind: 'filesystem', directory: '/nowhere' } as const;
const processIdentity = { host: 'h', pid: 1 };
const signal = new AbortController().signal;
const by = { user: 'anna', host: 'desk' };
const DAY = 86_400_000;

const old = ['2026-01-04', '2026-01-05', '2026-01-06'].map((day) => commitRecord(`${day}T02:00:00Z`));
const recent = ['2026-11-21', '2026-11-22'].map((day) => commitRecord(`${day}T02:00:00Z`));
let clock: FakeClock;
let store: ObjectStore;

beforeEach(async () => {
  clock = new FakeClock();
  store = openMemoryStore(clock);
  const lineage = { systemIdentifier: old[0]!.systemIdentifier, major: 17 };
  await openOrCreateRepository(store, location, { lineage, clock });
  for (const record of [...old, ...recent]) await put(record);
});

async function put(record: CommitRecord): Promise<void> {
  await store.putIfAbsent(packName(record.id, 1), Buffer.of(1));
  await store.putIfAbsent(commitRecordName(record.id), encodeCommitRecord(record));
}

function run(more: Partial<PruneRequest> = {}): Promise<PruneResult> {
  const request: PruneRequest = {
    store,
    location,
    policy: DEFAULT_POLICY,
    leaseWait: 0,
    clockSkew: () => Promise.resolve(0),
    backupFailure: () => Promise.resolve(undefined),
    ...more,
  };
  return prune(request, { clock, processIdentity, signal, onProgress: () => undefined });
}

const there = async ({ id }: CommitRecord): Promise<boolean> =>
  (await store.stat(commitRecordName(id))) !== undefined;

describe('pruning', () => {
  test('removes in the first run that comes a whole grace period after the one that marked', async () => {
    expect(await run()).toMatchObject({ removedBackups: [], marked: 2 });
    clock.jump(DAY - 1);
    expect(await run()).toMatchObject({ removedBackups: [], marked: 0 });
    clock.jump(1);
    expect((await run()).removedBackups).toEqual([old[2]!.id, old[1]!.id]);
    expect(await readMarks(store)).toEqual([]);
    expect(await store.stat(packName(old[1]!.id, 1))).toBeUndefined();
  });

  test('waits anew behind a mark that cannot be read, or was made by a clock ahead of ours', async () => {
    await writeMark(store, old[1]!.id, clock.now() + 1);
    await store.putIfAbsent(expiredBackupName(old[2]!.id), Buffer.from('x'));
    expect(await run()).toMatchObject({ removedBackups: [], marked: 2, unmarked: 2 });
    expect((await readMarks(store)).map(({ marked }) => marked)).toEqual([clock.now(), clock.now()]);
  });

  test('is refused while clocks are apart, backups fail or somebody writes, and marks nothing', async () => {
    const skewed = (skew: number): Partial<PruneRequest> => ({ clockSkew: () => Promise.resolve(skew) });
    for (const skew of [300_001, -300_001])
      expect((await failureOf(run(skewed(skew)))).code).toBe('CLOCK_SKEWED');
    const failing = { backupFailure: () => Promise.resolve('disk full') };
    expect(await failureOf(run(failing))).toMatchObject({
      code: 'BACKUP_FAILING',
      message: expect.stringContaining('disk full'),
    });
    const silent = { clockSkew: () => Promise.reject(new LarderError('SERVER_UNREACHABLE', 'no answer')) };
    expect((await failureOf(run(silent))).code).toBe('SERVER_UNREACHABLE');
    const lease = await acquireLease(store, {
      holder: 'backup',
      clock,
      processIdentity,
      waitMilliseconds: 0,
      signal,
    });
    expect((await failureOf(run())).code).toBe('LEASE_HELD');
    await lease.release();
    await put(commitRecord('2026-11-22T03:00:00Z', { state: 'corrupt_source' }));
    expect((await failureOf(run())).code).toBe('BACKUP_FAILING');
    expect(await readMarks(store)).toEqual([]);
    expect(await run(skewed(300_000)).catch((error: unknown) => (error as LarderError).code)).toBe(
      'BACKUP_FAILING',
    );
  });

  test('removes nothing while a record of the catalogue cannot be reached', async () => {
    const get = store.get.bind(store);
    store.get = (name, limit) =>
      name.endsWith('.meta')
        ? Promise.reject(new LarderError('REPOSITORY_UNREACHABLE', 'gone'))
        : get(name, limit);
    expect((await failureOf(run())).code).toBe('REPOSITORY_UNREACHABLE');
    store.get = get;
    expect(await readMarks(store)).toEqual([]);
  });

  test('ends when the repository goes away, or its lease to another', async () => {
    await run();
    clock.jump(2 * DAY);
    const stat = store.stat.bind(store);
    store.stat = (name) => (name === 'repository.json' ? Promise.resolve(undefined) : stat(name));
    expect((await failureOf(run())).code).toBe('REPOSITORY_MISSING');
    store.stat = stat;
    const remove = store.delete.bind(store);
    store.delete = async (name) => {
      await remove(name);
      if (name === commitRecordName(old[2]!.id))
        await store.putIfAbsent('lease/0000009999', Buffer.from('{}'));
    };
    expect((await failureOf(run())).code).toBe('LEASE_LOST');
    expect(await there(old[1]!)).toBe(true);
  });
});

describe('right before a removal', () => {
  test('the commit record is read once more', async () => {
    const { id } = old[1]!;
    await store.replace(commitRecordName(id), encodeCommitRecord({ ...old[1]!, files: 11 }));
    expect((await failureOf(removeBackup(store, old[1]!, clock.now()))).code).toBe('RETENTION_REFUSED');
    await store.replace(commitRecordName(id), Buffer.from('x'));
    expect((await failureOf(removeBackup(store, old[1]!, clock.now()))).code).toBe('OBJECT_DAMAGED');
    expect(await store.stat(packName(id, 1))).toBeDefined();
  });

  test('the holds are', async () => {
    const { id } = old[1]!;
    const hold = { backup: id, until: clock.now() + DAY, reason: 'audit', by };
    await placeHold(store, hold, { clock, processIdentity, signal, leaseWait: 0 });
    expect((await failureOf(removeBackup(store, old[1]!, clock.now()))).message).toContain('audit');
    await removeBackup(store, old[1]!, clock.now() + DAY);
    expect(await there(old[1]!)).toBe(false);
  });
});

describe('a hold', () => {
  const { id } = old[1]!;
  const context = () => ({ clock, processIdentity, signal, leaseWait: 0 });
  const hold = (until: number) => ({ backup: id, until, reason: 'audit', by });

  test('is placed while a backup runs; of a marked backup nobody knows then whether it came in time', async () => {
    const lease = await acquireLease(store, {
      holder: 'backup',
      clock,
      processIdentity,
      waitMilliseconds: 0,
      signal,
    });
    const first = await placeHold(store, hold(clock.now() + DAY), context());
    await writeMark(store, id, clock.now());
    expect((await failureOf(placeHold(store, hold(clock.now() + DAY), context()))).code).toBe('LEASE_HELD');
    await lease.release();
    const third = await placeHold(store, hold(clock.now() + DAY), context());
    // all in one second
    expect(new Set([first, third]).size).toBe(2);
    expect(await readHolds(store)).toHaveLength(3);
  });

  test('on what is not there is refused, also when that went meanwhile', async () => {
    await writeMark(store, id, clock.now());
    await store.delete(commitRecordName(id));
    expect((await failureOf(placeHold(store, hold(clock.now() + DAY), context()))).code).toBe(
      'BACKUP_UNKNOWN',
    );
  });

  test('ends at its time or when it is released, and holds where nobody can read it', async () => {
    const until = clock.now() + DAY;
    await placeHold(store, hold(until), context());
    const active = async (now: number): Promise<boolean[]> =>
      (await readHolds(store)).map((each) => isActive(each, now));
    expect([await active(until - 1), await active(until)]).toEqual([[true], [false]]);
    const [{ name } = { name: '' }] = await readHolds(store);
    await store.putIfAbsent(releaseName(name), Buffer.from('x'));
    expect(await active(clock.now())).toEqual([true]);
    await store.delete(releaseName(name));
    await releaseHolds(store, { backup: id, reason: undefined, by }, clock.now());
    expect(await active(clock.now())).toEqual([false]);
    await store.putIfAbsent(holdName(id, clock.now() + 5000), Buffer.from('x'));
    expect(await active(until + 99 * DAY)).toEqual([false, true]);
    const { code } = await failureOf(
      releaseHolds(store, { backup: recent[0]!.id, reason: undefined, by }, clock.now()),
    );
    expect(code).toBe('USAGE');
  });
});
