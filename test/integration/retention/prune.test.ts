import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { readProcessIdentity } from '../../../src/process-identity.ts';
import { readCatalogue } from '../../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { readHolds } from '../../../src/repository/hold-record.ts';
import { parseTarget } from '../../../src/restore/recovery/parse-target.ts';
import { planRecovery } from '../../../src/restore/recovery/plan-recovery.ts';
import { rollForwardOf } from '../../../src/restore/recovery/roll-forward.ts';
import { findArchive } from '../../../src/repository/wal/archive-record.ts';
import { readWalIndex, type WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { placeHold, releaseHolds } from '../../../src/retention/place-hold.ts';
import { sealLog, type Sealed } from '../../../src/transaction-log/seal.ts';
import { readArchiveState } from '../../../src/verify/archive-state.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  objectsOf,
  restoreAndStart,
  verify,
  type Scratch,
} from '../../support/backup-runner.ts';
import {
  buildAgedRepository,
  expectSound,
  type AgedRepository,
} from '../../support/retention/aged-repository.ts';
import { clockAt, pruneAged, PRUNED_ON } from '../../support/retention/prune-aged.ts';
import { rollForward } from '../../support/rolled-forward.ts';
import { lsnOf, requestOf } from '../../support/wal-receiver.ts';

let scratch: Scratch;
let aged: AgedRepository;
const by = { user: 'anna', host: 'desk' };

beforeAll(async () => {
  scratch = await makeScratch();
  aged = await buildAgedRepository(scratch.path);
}, 180_000);
afterAll(async () => {
  await aged[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

async function listed(): Promise<string[]> {
  return (await readCatalogue(aged.repository.store)).backups.map(({ id }) => id);
}

const ids = (...backups: CommitRecord[]): string[] => backups.map(({ id }) => id);

async function index(): Promise<WalIndex> {
  const { store } = aged.repository;
  const archive = await findArchive(store, aged.backups.january.systemIdentifier);
  return readWalIndex(store, archive!);
}

function seal(): Promise<Sealed> {
  const context = {
    clock: systemClock,
    processIdentity: readProcessIdentity(),
    signal: new AbortController().signal,
    onNotice: () => undefined,
    onStatus: () => undefined,
  };
  const place = { connection: aged.server.connection, spool: join(scratch.path, 'spool') };
  return sealLog(requestOf(aged.repository, place), context, { limit: 20_000, larderVersion: 'test' });
}

test('the first run marks and removes nothing, and a hold takes the mark of a backup and its chain back', async () => {
  const { repository, backups } = aged;
  await seal();
  const before = await objectsOf(repository);
  const result = await pruneAged(repository, { policy: { grace: 86_400_000 } });
  expect(result).toMatchObject({ removedBackups: [], removedLogObjects: 0, freedBytes: 0 });
  const after = await objectsOf(repository);
  expect(after.filter((name) => !name.startsWith('retention/'))).toEqual(before);
  const going = result.plan.backups.filter(({ keep }) => !keep).map(({ id }) => id);
  const { januaryNext, januaryLast, second, third, thirdNext } = backups;
  expect(going.slice(-5)).toEqual(ids(januaryNext, januaryLast, second, third, thirdNext));
  // five of these and a first one from before, which stays as the first of December
  expect(after.length - before.length).toBe(result.marked);

  // a day has not passed yet
  const again = await pruneAged(repository, { on: '2100-03-10T13:00:00Z', policy: { grace: 86_400_000 } });
  expect(again).toMatchObject({ removedBackups: [], removedLogObjects: 0, marked: 0, unmarked: 0 });

  const context = {
    clock: clockAt(`${PRUNED_ON}T14:00:00Z`),
    processIdentity: readProcessIdentity(),
    signal: new AbortController().signal,
    leaseWait: 0,
  };
  const until = Date.parse('2100-06-01T00:00:00Z');
  await placeHold(repository.store, { backup: thirdNext.id, until, reason: 'audit', by }, context);
  const held = await pruneAged(repository, { on: '2100-03-10T15:00:00Z', policy: { grace: 86_400_000 } });
  expect(held.unmarked).toBe(2);
  const verdicts = new Map(held.plan.backups.map((verdict) => [verdict.id, verdict.reasons]));
  expect(verdicts.get(thirdNext.id)).toMatchObject([{ kind: 'held', reason: 'audit' }]);
  expect(verdicts.get(third.id)).toMatchObject([{ kind: 'needed', by: thirdNext.id }]);
});

test('a later run removes what was marked, newest dependant first, and the log that no promise needs', async () => {
  const { repository, backups } = aged;
  const logBefore = await index();
  const result = await pruneAged(repository, { on: '2100-03-11T18:00:00Z', policy: { grace: 86_400_000 } });
  expect(result.removedBackups).toEqual(ids(backups.second, backups.januaryLast, backups.januaryNext));
  const { january, third, thirdNext, february, februaryNext } = backups;
  expect((await listed()).slice(1)).toEqual(ids(january, third, thirdNext, february, februaryNext));
  expect(result.removedLogObjects).toBeGreaterThan(10);

  const log = await index();
  const first = log.segments.reduce(
    (min, { number }) => (number < min ? number : min),
    log.segments[0]!.number,
  );
  const size = BigInt(log.segmentSize);
  expect(first).toBe(lsnOf(februaryNext.startLsn) / size);
  expect(log.pruned).toEqual(new Map([[1, first * size]]));
  expect(logBefore.segments.length - log.segments.length).toBe(result.removedLogObjects);
  expect((await objectsOf(repository)).filter((name) => name.startsWith('retention/'))).toEqual([]);
});

test('everything that is left verifies, and no beginning of the log is taken for a hole', async () => {
  const { repository, backups } = aged;
  await expectSound(repository);
  const signal = new AbortController().signal;
  const state = await readArchiveState(repository.store, { read: true, signal, onProgress: () => undefined });
  expect(state.problems).toEqual([]);
  expect(state.archives[0]?.holes).toEqual([]);
  expect(state.archives[0]?.windows.map(({ backup }) => backup)).toEqual(ids(backups.februaryNext));
  for (const backup of (await readCatalogue(repository.store)).backups) {
    const { findings, log } = await verify(repository, backup);
    expect([backup.id, findings]).toEqual([backup.id, []]);
    expect(log).toMatchObject({ removed: backup.id !== backups.februaryNext.id });
  }
});

test('a segment that is lost behind what was removed is missing all the same', async () => {
  const { repository, backups } = aged;
  const log = await index();
  const archive = (await findArchive(repository.store, log.systemIdentifier))!;
  const lost = {
    ...log,
    segments: log.segments.toSorted((a, b) => Number(a.number - b.number)).toSpliced(-1, 1),
  };
  const reach = await rollForwardOf(repository.store, { archive, index: lost }, backups.februaryNext);
  expect(reach.hole).toBeDefined();
  const old = await rollForwardOf(repository.store, { archive, index: lost }, backups.january);
  expect(old).toMatchObject({ hole: undefined, removed: true });
});

test('the newest backup rolls forward to the last row, an old one restores to its own end and says why no further', async () => {
  const { repository, backups, rows } = aged;
  const total = await aged.write();
  await using newest = await rollForward(repository, {});
  expect(await newest.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: total }]);

  const everything = await planRecovery(
    repository.store,
    backups.january.id,
    parseTarget({}, systemClock.now()),
  );
  expect(everything.recovery).toBeUndefined();
  expect(everything.remarks.join()).toContain('retention has removed the log');
  await using old = await restoreAndStart(repository, backups.january);
  expect(await old.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: rows.january }]);
  await using step = await restoreAndStart(repository, backups.thirdNext);
  expect(await step.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: rows.thirdNext }]);
}, 120_000);

test('a target in what was removed is refused with the reason', async () => {
  const { repository, backups } = aged;
  const between = formatLsn(lsnOf(backups.second.stopLsn));
  for (const options of [{ targetLsn: between }, { targetTime: '2100-01-05 00:00:00+00' }]) {
    const wanted = parseTarget(options, systemClock.now());
    const error = await failureOf(planRecovery(repository.store, backups.january.id, wanted));
    expect([error.code, error.message]).toEqual([
      'RESTORE_REFUSED',
      expect.stringContaining('retention has removed'),
    ]);
    expect(error.hint).toContain('--immediate');
  }
  const name = parseTarget({ targetName: 'nowhere' }, systemClock.now());
  expect((await failureOf(planRecovery(repository.store, 'latest', name))).code).toBe('RESTORE_REFUSED');
});

test('the receiver goes on, and a seal is proven from what is left', async () => {
  await aged.write();
  const { record } = await seal();
  expect(record.gaps).toEqual([]);
  expect(lsnOf(record.from)).toBeGreaterThanOrEqual((await index()).pruned.get(1)!);
  await expectSound(aged.repository);
});

test('a released hold lets the next runs remove its chain, and who held it stays on record', async () => {
  const { repository, backups } = aged;
  const now = Date.parse('2100-03-12T00:00:00Z');
  await releaseHolds(repository.store, { backup: backups.thirdNext.id, reason: 'done', by }, now);
  expect((await pruneAged(repository, { on: '2100-03-12' })).removedBackups).toEqual([]);
  const { removedBackups } = await pruneAged(repository, { on: '2100-03-13' });
  expect(removedBackups).toEqual(ids(backups.thirdNext, backups.third));
  const [hold] = await readHolds(repository.store, backups.thirdNext.id);
  expect(hold).toMatchObject({ hold: { reason: 'audit', by }, release: { reason: 'done', by } });
  await expectSound(repository);
});

test('years later the newest backup is what is left, and a seal that was due long ago begins where the log does', async () => {
  const { repository, server } = aged;
  await aged.write();
  await aged.write();
  const newest = await backUp(repository, server.connection, { clock: clockAt('2108-12-01T02:00:00Z') });
  await aged.write();
  await pruneAged(repository, { on: '2109-01-01' });
  await pruneAged(repository, { on: '2109-01-02' });
  expect(await listed()).toEqual(ids(newest));
  expect((await verify(repository, newest)).findings).toEqual([]);
  const { record } = await seal();
  expect(record.gaps).toEqual([]);
  expect(lsnOf(record.from)).toBe((await index()).pruned.get(1));
  await expectSound(repository);
});
