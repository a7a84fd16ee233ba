import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LarderError } from '../../src/errors.ts';
import type { Task } from '../../src/jobs/job.ts';
import type { BackupFacts } from '../../src/observability/backup-facts.ts';
import type { ClusterFacts, ServiceFacts } from '../../src/observability/health.ts';
import { judgeHealth } from '../../src/observability/health.ts';
import type { RunRecord } from '../../src/scheduler/run-record.ts';
import { backupFacts } from '../support/monitoring/backup-facts.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const good = backupFacts({ ended: now - 10 * HOUR });
const catalogue = (...backups: BackupFacts[]) => ({ readAt: now - 1000, backups });
const healthy: ClusterFacts = {
  cluster: 'truck',
  maxAgeSeconds: 8 * 86_400,
  rpoSeconds: 3600,
  timeoutSeconds: 3600,
  role: 'leader',
  lastTick: now - 30_000,
  nextRun: Date.parse('2026-11-29T02:00:00Z'),
  server: 'up',
  catalogue: catalogue(good),
  running: [],
  retrying: undefined,
  lastRuns: lastRuns(anEndedRun({ started: now - 10 * HOUR })),
  receiver: { state: 'streaming', problem: undefined, unprotectedSince: 0 },
};
function lastRuns(...runs: RunRecord[]): ReadonlyMap<Task, RunRecord> {
  return new Map(runs.map((run) => [run.task, run]));
}
const service = (fields: Partial<ClusterFacts> = {}, more: Partial<ServiceFacts> = {}): ServiceFacts => ({
  now,
  started: now - 100 * HOUR,
  stopping: false,
  clusters: [{ ...healthy, ...fields }],
  ...more,
});
const verdict = (fields: Partial<ClusterFacts>) => {
  const { status, reasons } = judgeHealth(service(fields));
  return [status, ...reasons.map(({ code }) => code)];
};

test('a cluster with a young good backup is ok, and the report says what it has and what comes', () => {
  expect(judgeHealth(service())).toEqual({
    status: 'ok',
    service: 'running',
    live: true,
    objectivesMet: true,
    reasons: [],
    clusters: [
      {
        cluster: 'truck',
        status: 'ok',
        role: 'leader',
        receiver: { state: 'streaming', problem: null, unprotectedSince: null },
        lastBackup: { id: good.id, ended: '2026-11-22T02:00:00.000Z', ageSeconds: 36_000 },
        nextRun: '2026-11-29T02:00:00.000Z',
        running: null,
        lastRun: { task: 'backup_full', result: 'success', ended: '2026-11-22T02:01:00.000Z' },
      },
    ],
  });
});

describe('failing', () => {
  test('is a cluster without a backup, or with one that is too old', () => {
    expect(verdict({ catalogue: catalogue() })).toEqual(['failing', 'no_backup']);
    expect(verdict({ catalogue: catalogue({ ...good, ended: now - 9 * 24 * HOUR }) })).toEqual([
      'failing',
      'backup_too_old',
    ]);
  });

  test('is not yet a cluster whose first backup succeeded after the repository was read: that is unknown', () => {
    const seen = lastRuns(anEndedRun({ started: now - 61_000 }));
    expect(verdict({ catalogue: catalogue(), lastRuns: seen })).toEqual(['degraded', 'repository_unknown']);
  });

  test('is a newest backup that is not good, however good the one before it', () => {
    const corrupt = { ...good, state: 'corrupt_source' as const, ended: now - HOUR };
    expect(verdict({ catalogue: catalogue(corrupt, good) })).toEqual(['failing', 'source_corrupt']);
    const damaged = { ...good, state: 'damaged' as const, ended: now - HOUR };
    expect(verdict({ catalogue: catalogue(good, damaged) })).toEqual(['failing', 'backup_damaged']);
    expect(judgeHealth(service({ catalogue: catalogue(good, damaged) })).clusters[0]?.lastBackup?.id).toBe(
      good.id,
    );
  });

  test('is a scheduler that stands still, which a restart may help', () => {
    expect(verdict({ lastTick: now - 200_000 })).toEqual(['failing', 'scheduler_stuck']);
    expect(judgeHealth(service({ lastTick: now - 200_000 })).live).toBe(false);
    expect(judgeHealth(service({ lastTick: undefined })).live).toBe(false);
    expect(judgeHealth(service({ lastTick: undefined }, { started: now - 1000 })).live).toBe(true);
  });
});

describe('degraded', () => {
  test('is a server that is down or was never asked', () => {
    expect(verdict({ server: 'down' })).toEqual(['degraded', 'server_down']);
    expect(verdict({ server: 'unknown' })).toEqual(['degraded', 'server_unknown']);
  });

  test('is a repository that cannot be read, or was not for a quarter of an hour', () => {
    expect(verdict({ catalogue: 'unknown' })).toEqual(['degraded', 'repository_unknown']);
    const outdated = { readAt: now - HOUR, backups: [good] };
    expect(verdict({ catalogue: outdated })).toEqual(['degraded', 'repository_unknown']);
  });

  test('is a first backup in the making', () => {
    const running = [aRun({ started: now - 1000 })];
    expect(verdict({ catalogue: catalogue(), running })).toEqual(['degraded', 'first_backup_running']);
  });

  test('is a last run that failed, named by its code and without its text', () => {
    const failed = { result: 'failure', errorCode: 'REPOSITORY_FULL', errorMessage: 'secret text' } as const;
    const seen = { lastRuns: lastRuns(anEndedRun(failed)) };
    expect(verdict(seen)).toEqual(['degraded', 'last_run_failed']);
    expect(JSON.stringify(judgeHealth(service(seen)))).toContain('REPOSITORY_FULL');
    expect(JSON.stringify(judgeHealth(service(seen)))).not.toContain('secret text');
    expect(verdict({ lastRuns: lastRuns(anEndedRun({ result: 'interrupted' })) })).toEqual(['ok']);
    const verification = anEndedRun({ ...failed, task: 'verify' });
    expect(verdict({ lastRuns: lastRuns(verification) })).toEqual(['degraded', 'last_verify_failed']);
  });

  test('is not a full backup that failed before an incremental one succeeded', () => {
    const full = anEndedRun({ result: 'failure', started: now - 3 * HOUR });
    const incremental = anEndedRun({ task: 'backup_incremental', started: now - HOUR });
    expect(verdict({ lastRuns: lastRuns(full, incremental) })).toEqual(['ok']);
    const later = anEndedRun({ ...full, started: now - HOUR / 2, ended: now - 1000 });
    expect(verdict({ lastRuns: lastRuns(incremental, later) })).toEqual(['degraded', 'last_run_failed']);
  });

  test('is a run that is tried again, and a log that is not received where this process is the one to', () => {
    const error = new LarderError('SERVER_UNREACHABLE', 'no answer');
    expect(verdict({ retrying: { run: aRun(), attempt: 1, error } })).toEqual(['degraded', 'run_retrying']);
    const receiver = { state: 'waiting', problem: 'no answer', unprotectedSince: now - 1000 } as const;
    expect(verdict({ receiver })).toEqual(['degraded', 'log_not_received']);
    expect(verdict({ receiver: undefined })).toEqual(['degraded', 'log_not_received']);
    expect(verdict({ receiver, role: 'standby' })).toEqual(['ok']);
    expect(verdict({ receiver: 'off' })).toEqual(['ok']);
    expect(verdict({ receiver: { ...receiver, state: 'elsewhere' } })).toEqual(['ok']);
    expect(verdict({ receiver: { ...receiver, unprotectedSince: now - 2 * HOUR } })).toEqual([
      'failing',
      'rpo_exceeded',
    ]);
  });

  test('is a run past its time limit, and a backup from the future', () => {
    expect(verdict({ running: [aRun({ started: now - 2 * HOUR })] })).toEqual(['degraded', 'run_overdue']);
    expect(verdict({ catalogue: catalogue({ ...good, ended: now + 5 * HOUR }) })).toEqual([
      'degraded',
      'clock_wrong',
    ]);
  });
});

test('the objectives are met only by a newest backup that is known, good and young', () => {
  const met = (fields: Partial<ClusterFacts>) => judgeHealth(service(fields)).objectivesMet;
  expect(met({ server: 'down', lastRuns: lastRuns(anEndedRun({ result: 'failure' })) })).toBe(true);
  expect(met({ catalogue: 'unknown' })).toBe(false);
  expect(met({ catalogue: catalogue(), running: [aRun({ started: now })] })).toBe(false);
  expect(met({ catalogue: catalogue({ ...good, state: 'damaged' }) })).toBe(false);
});

test('the worst cluster is the verdict of the service, and each has its own', () => {
  const clusters = [healthy, { ...healthy, cluster: 'car', server: 'down' as const }];
  const report = judgeHealth(service({}, { clusters }));
  expect(report.status).toBe('degraded');
  expect(report.clusters.map(({ status }) => status)).toEqual(['ok', 'degraded']);
});

test('whatever is seen, ok means: all was seen lately, and the newest backup is good and young', () => {
  const some = <T>(...values: T[]) => fc.constantFrom(...values);
  const backups = fc.array(
    fc.record({ state: some('good', 'corrupt_source', 'damaged'), age: fc.integer({ min: -3, max: 400 }) }),
    { maxLength: 3 },
  );
  const clusters = fc.record({
    server: some('up', 'down', 'unknown'),
    lastTick: some(undefined, now, now - HOUR),
    readAt: some(now, now - HOUR),
    known: fc.boolean(),
    backups,
  });
  fc.assert(
    fc.property(clusters, ({ server, lastTick, readAt, known, backups: list }) => {
      const stored = list.map(
        ({ state, age }) => ({ ...good, state, ended: now - age * HOUR }) as BackupFacts,
      );
      const facts = {
        server,
        lastTick,
        catalogue: known ? { readAt, backups: stored } : ('unknown' as const),
      } as ClusterFacts;
      const newest = Math.max(...stored.map(({ ended }) => ended));
      const newestIsGood = stored.find(({ ended }) => ended === newest)?.state === 'good';
      const young = newest >= now - 192 * HOUR && newest <= now + HOUR;
      const ok = server === 'up' && lastTick === now && known && readAt === now && newestIsGood && young;
      expect(judgeHealth(service(facts)).status === 'ok').toBe(ok);
    }),
    { numRuns: 500 },
  );
});
