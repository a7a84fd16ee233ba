import { describe, expect, test } from '@jest/globals';
import { Metrics } from '../../src/observability/metrics.ts';
import type { ReceiverStatus } from '../../src/transaction-log/receiver-status.ts';
import {
  backupFacts,
  metricsOptions,
  repositoryOf,
  SERVER_SEEN,
} from '../support/monitoring/backup-facts.ts';
import { drillReport } from '../support/proof-reports.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

const at = (text: string) => Date.parse(text);
const make = (clusters = ['truck']) =>
  new Metrics(
    { version: '0.1.0', revision: 'abc', nodeVersion: 'v24' },
    clusters.map((cluster) => metricsOptions({ cluster, repo: `${cluster}-main` })),
  );

/** The value of one series; undefined if it does not exist. Labels in the order of their definition. */
async function value(metrics: Metrics, series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`larder_${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}
const job = (name: string) => `job_${name}{cluster="truck",task="backup_full"}`;
const total = (result: string) => `job_runs_total{cluster="truck",task="backup_full",result="${result}"}`;

test('every series exists from the start, also those of what has never happened', async () => {
  const series = (await make().text())
    .split('\n')
    .filter((line) => line.startsWith('larder_'))
    .map((line) => line.slice('larder_'.length));
  const zero = series.filter((line) => line.endsWith(' 0')).map((line) => line.split(/[{ ]/)[0]);
  expect(series.filter((line) => !line.endsWith(' 0'))).toEqual([
    'build_info{version="0.1.0",revision="abc",node_version="v24"} 1',
    'rpo_target_seconds{cluster="truck"} 86400',
    'rto_target_seconds{cluster="truck"} 14400',
    'job_max_age_seconds{cluster="truck",task="backup_full"} 700000',
    'job_timeout_seconds{cluster="truck",task="backup_full"} 3600',
    'backup_last_size_deviation_ratio{cluster="truck",repo="truck-main",type="full"} 1',
    'backup_last_size_deviation_ratio{cluster="truck",repo="truck-main",type="incremental"} 1',
    'backups_min{cluster="truck",repo="truck-main"} 2',
    'repo_usage_target_ratio{repo="truck-main"} 0.8',
    'recovery_window_target_seconds{cluster="truck",repo="truck-main"} 604800',
    'wal_receiver_enabled{cluster="truck"} 1',
    'slot_max_retained_bytes{cluster="truck"} 32000000000',
    'slot_safe_bytes{cluster="truck"} +Inf',
  ]);
  expect(new Set(zero)).toEqual(
    new Set([
      'cluster_up',
      'cluster_timeline',
      'cluster_clock_skew_seconds',
      'scheduler_last_tick_timestamp_seconds',
      'schedule_next_run_timestamp_seconds',
      'schedule_paused_until_timestamp_seconds',
      'schedule_missed_runs_total',
      'leader',
      'leader_epoch',
      'wal_receiver_up',
      'wal_receiver_elsewhere',
      'wal_receiver_restarts_total',
      'wal_unprotected_since_timestamp_seconds',
      'wal_archive_lag_bytes',
      'wal_spool_bytes',
      'slot_retained_bytes',
      'slot_lost',
      'job_retries_total',
      'job_runs_total',
      'job_running',
      'job_running_since_timestamp_seconds',
      'job_progress_ratio',
      'job_last_progress_timestamp_seconds',
      'job_last_success_timestamp_seconds',
      'job_last_failure_timestamp_seconds',
      'job_last_duration_seconds',
      'job_consecutive_failures',
      'drill_last_timestamp_seconds',
      'drill_last_recovery_seconds',
      'drill_last_recovery_gap_seconds',
      'drill_last_objectives_met',
      'verify_found_damage',
      'backups',
      'backups_verified',
      'backup_chain_length',
      'backup_oldest_timestamp_seconds',
      'last_verified_backup_timestamp_seconds',
      'last_backup_proof_timestamp_seconds',
      'last_proof_restore_seconds',
      'backup_last_success_timestamp_seconds',
      'backup_last_source_bytes',
      'backup_last_stored_bytes',
      'backup_page_checksum_errors',
      'repo_up',
      'repo_last_check_timestamp_seconds',
      'repo_capacity_bytes',
      'repo_free_bytes',
      'repo_used_bytes',
      'repo_operation_duration_seconds_bucket',
      'repo_operation_duration_seconds_sum',
      'repo_operation_duration_seconds_count',
      'repo_operation_errors_total',
      'wal_stored_segments',
      'wal_missing_segments',
      'wal_damaged_records',
      'wal_archived_bytes_total',
      'recovery_window_start_timestamp_seconds',
      'recovery_window_end_timestamp_seconds',
    ]),
  );
});

test('two sets of metrics in one process do not know of each other', async () => {
  const [one, other] = [make(), make()];
  one.serverChecked('truck', SERVER_SEEN);
  expect(await value(one, 'cluster_up{cluster="truck"}')).toBe(1);
  expect(await value(other, 'cluster_up{cluster="truck"}')).toBe(0);
});

describe('a run', () => {
  test('is seen while it goes on, and is gone when it is over', async () => {
    const metrics = make();
    const listener = metrics.runListener();
    const run = aRun({ started: 10_000 });
    listener.started?.(run);
    listener.progress?.({ run, at: 15_000, doneBytes: 30, totalBytes: 120 });
    expect(await value(metrics, job('running'))).toBe(1);
    expect(await value(metrics, job('running_since_timestamp_seconds'))).toBe(10);
    expect(await value(metrics, job('progress_ratio'))).toBe(0.25);
    expect(await value(metrics, job('last_progress_timestamp_seconds'))).toBe(15);
    listener.progress?.({ run, at: 16_000, doneBytes: 130, totalBytes: 120 });
    expect(await value(metrics, job('progress_ratio'))).toBe(1);
    listener.ended?.(anEndedRun({ started: 10_000, ended: 20_000, durationSeconds: 10 }));
    expect(await value(metrics, job('running'))).toBe(0);
    expect(await value(metrics, job('running_since_timestamp_seconds'))).toBe(0);
    expect(await value(metrics, job('progress_ratio'))).toBe(0);
    expect(await value(metrics, job('last_success_timestamp_seconds'))).toBe(20);
    expect(await value(metrics, job('last_duration_seconds'))).toBe(10);
  });

  test('counts as a failure when it failed or took too long, not when it was stopped', async () => {
    const metrics = make();
    const { ended } = metrics.runListener();
    ended?.(anEndedRun({ result: 'failure', ended: 1000 }));
    ended?.(anEndedRun({ result: 'timeout', ended: 2000 }));
    ended?.(anEndedRun({ result: 'interrupted', ended: 3000 }));
    ended?.(anEndedRun({ result: 'canceled', ended: 4000 }));
    expect(await value(metrics, job('consecutive_failures'))).toBe(2);
    expect(await value(metrics, job('last_failure_timestamp_seconds'))).toBe(2);
    expect(await value(metrics, total('interrupted'))).toBe(1);
    ended?.(anEndedRun({ result: 'success' }));
    expect(await value(metrics, job('consecutive_failures'))).toBe(0);
    expect(await value(metrics, total('timeout'))).toBe(1);
  });
});

test('a restart resets nothing: counters and times come back from the history', async () => {
  const metrics = make();
  metrics.restore([
    anEndedRun({ started: 0, ended: 1000 }),
    anEndedRun({ started: 2000, ended: 3000 }),
    anEndedRun({ started: 4000, ended: 5000, result: 'failure' }),
    aRun({ started: 6000, result: 'interrupted' }),
    aRun({ started: 7000 }),
  ]);
  expect(await value(metrics, total('success'))).toBe(2);
  expect(await value(metrics, total('interrupted'))).toBe(1);
  expect(await value(metrics, job('last_success_timestamp_seconds'))).toBe(3);
  expect(await value(metrics, job('consecutive_failures'))).toBe(1);
});

describe('the catalogue', () => {
  const backups = [
    backupFacts({ ended: at('2026-11-15T02:10:00Z'), sourceBytes: 900, storedBytes: 300 }),
    backupFacts({ ended: at('2026-11-22T02:10:00Z'), state: 'corrupt_source', pageChecksumErrors: 2 }),
  ];

  test('is counted by state; only a good backup is the last success', async () => {
    const metrics = make();
    metrics.repositorySurveyed('truck', 'truck-main', repositoryOf(backups));
    const labels = 'cluster="truck",repo="truck-main",type="full"';
    expect(await value(metrics, `backups{${labels},state="good"}`)).toBe(1);
    expect(await value(metrics, `backups{${labels},state="corrupt_source"}`)).toBe(1);
    expect(await value(metrics, `backup_last_success_timestamp_seconds{${labels}}`)).toBe(
      at('2026-11-15T02:10:00Z') / 1000,
    );
    expect(await value(metrics, `backup_last_source_bytes{${labels}}`)).toBe(900);
    expect(await value(metrics, `backup_last_stored_bytes{${labels}}`)).toBe(300);
    expect(await value(metrics, 'backup_page_checksum_errors{cluster="truck"}')).toBe(2);
  });

  test('stands in for a lost history, and never takes the last success back', async () => {
    const metrics = make();
    metrics.repositorySurveyed('truck', 'truck-main', repositoryOf(backups));
    expect(await value(metrics, job('last_success_timestamp_seconds'))).toBe(
      at('2026-11-15T02:10:00Z') / 1000,
    );
    metrics.runListener().ended?.(anEndedRun({ started: at('2026-11-22T02:00:00Z') }));
    metrics.repositorySurveyed('truck', 'truck-main', repositoryOf(backups));
    expect(await value(metrics, job('last_success_timestamp_seconds'))).toBe(
      at('2026-11-22T02:01:00Z') / 1000,
    );
  });
});

describe('what the repository holds', () => {
  const of = 'cluster="truck",repo="truck-main"';
  const day = (date: number) => at(`2026-11-${String(date).padStart(2, '0')}T02:10:00Z`);

  test('is known by size, by age and by how many of it were proven', async () => {
    const metrics = make();
    const fulls = [1, 8, 15, 22].map((date) =>
      backupFacts({ ended: day(date), verified: date < 20 ? day(date) + 5000 : undefined }),
    );
    const last = backupFacts({ type: 'incremental', ended: day(23), chainLength: 3, storedBytes: 20 });
    metrics.repositorySurveyed(
      'truck',
      'truck-main',
      repositoryOf([...fulls, last, backupFacts({ ended: day(25), state: 'quarantined', verified: 1 })], {
        backupBytes: { full: 1600, incremental: 20 },
        log: {
          storedBytes: 7,
          segments: 3,
          missingSegments: 2,
          damaged: 1,
          window: { from: day(8), until: day(24) },
        },
        restoreSeconds: 42,
        sealed: day(24),
      }),
    );
    expect(await value(metrics, `backups{${of},type="full",state="quarantined"}`)).toBe(1);
    expect(await value(metrics, `backup_oldest_timestamp_seconds{${of},type="full"}`)).toBe(day(1) / 1000);
    expect(await value(metrics, `backup_chain_length{${of}}`)).toBe(3);
    expect(await value(metrics, `backups_verified{${of}}`)).toBe(3);
    expect(await value(metrics, `last_verified_backup_timestamp_seconds{${of}}`)).toBe(day(15) / 1000);
    expect(await value(metrics, `last_backup_proof_timestamp_seconds{${of}}`)).toBe(day(15) / 1000 + 5);
    expect(await value(metrics, `last_proof_restore_seconds{${of}}`)).toBe(42);
    expect(await value(metrics, `repo_used_bytes{${of},kind="full"}`)).toBe(1600);
    expect(await value(metrics, `repo_used_bytes{${of},kind="wal"}`)).toBe(7);
    expect(await value(metrics, `wal_missing_segments{${of}}`)).toBe(2);
    expect(await value(metrics, `recovery_window_start_timestamp_seconds{${of}}`)).toBe(day(8) / 1000);
    expect(await value(metrics, `recovery_window_end_timestamp_seconds{${of}}`)).toBe(day(24) / 1000);
  });

  test('keeps the number of missing segments when nobody can tell it any more, and says that it is so', async () => {
    const metrics = make();
    const log = { storedBytes: 7, segments: 3, missingSegments: 2, damaged: 0, window: undefined };
    metrics.repositorySurveyed('truck', 'truck-main', repositoryOf([], { log }));
    metrics.repositorySurveyed(
      'truck',
      'truck-main',
      repositoryOf([], { log: { ...log, missingSegments: undefined, damaged: 1 } }),
    );
    expect(await value(metrics, `wal_missing_segments{${of}}`)).toBe(2);
    expect(await value(metrics, `wal_damaged_records{${of}}`)).toBe(1);
  });

  test('tells a backup of an unusual size once there are three to compare it with', async () => {
    const ratioOf = async (...sizes: number[]) => {
      const metrics = make();
      const backups = sizes.map((storedBytes, date) => backupFacts({ ended: day(date + 1), storedBytes }));
      metrics.repositorySurveyed('truck', 'truck-main', repositoryOf(backups));
      return value(metrics, `backup_last_size_deviation_ratio{${of},type="full"}`);
    };
    expect(await ratioOf(100, 100, 10)).toBe(1);
    expect(await ratioOf(100, 110, 90, 10)).toBe(0.1);
    expect(await ratioOf(9, 9, 9, 100, 100, 100, 100, 100, 100, 100, 250)).toBe(2.5);
  });
});

test('the last drill stands beside the objectives, and what it could not tell is not a number', async () => {
  const metrics = make();
  const drill = (more: object) => metrics.drillHeld('truck', { recorded: 5000, report: drillReport(more) });
  drill({ recoverySeconds: 35, lostSeconds: 12, met: true });
  expect(await value(metrics, 'drill_last_timestamp_seconds{cluster="truck"}')).toBe(5);
  expect(await value(metrics, 'drill_last_recovery_seconds{cluster="truck"}')).toBe(35);
  expect(await value(metrics, 'drill_last_recovery_gap_seconds{cluster="truck"}')).toBe(12);
  expect(await value(metrics, 'drill_last_objectives_met{cluster="truck"}')).toBe(1);
  drill({ lostSeconds: null, met: false });
  expect(await metrics.text()).toMatch(/drill_last_recovery_gap_seconds\{cluster="truck"\} nan/i);
});

test('a verification that came to no verdict leaves the one before', async () => {
  const metrics = make();
  const verified = (fields: object) => metrics.restore([anEndedRun({ task: 'verify', ...fields })]);
  const damage = () => value(metrics, 'verify_found_damage{cluster="truck"}');
  verified({ result: 'failure', errorCode: 'VERIFICATION_FAILED' });
  expect(await damage()).toBe(1);
  verified({ result: 'failure', errorCode: 'REPOSITORY_UNREACHABLE' });
  expect(await damage()).toBe(1);
  verified({ result: 'success' });
  expect(await damage()).toBe(0);
});

test('a server is one series of info, whatever it was before an upgrade', async () => {
  const metrics = make();
  metrics.serverChecked('truck', { ...SERVER_SEEN, clockSkew: -2500 });
  metrics.serverChecked('truck', { ...SERVER_SEEN, version: '18.4', clockSkew: -2500 });
  metrics.serverChecked('truck', undefined);
  const info = (await metrics.text()).split('\n').filter((line) => line.startsWith('larder_cluster_info'));
  expect(info).toEqual([expect.stringContaining('pg_version="18.4"')]);
  expect(await value(metrics, 'cluster_up{cluster="truck"}')).toBe(0);
  expect(await value(metrics, 'cluster_clock_skew_seconds{cluster="truck"}')).toBe(2.5);
});

describe('the receiver', () => {
  const status: ReceiverStatus = {
    state: 'streaming',
    timeline: 1,
    received: 900n,
    durable: 800n,
    stored: 500n,
    serverEnd: 1000n,
    unprotectedSince: 5000,
    spoolBytes: 16,
    slot: { name: 'larder', retainedBytes: 600, walStatus: 'reserved', safeBytes: undefined, active: true },
    restarts: 2,
    problem: undefined,
  };

  test('says how far it is behind, and counts what became part of the repository', async () => {
    const metrics = make();
    metrics.receiverSeen('truck', 'truck-main', status);
    metrics.receiverSeen('truck', 'truck-main', { ...status, stored: 700n });
    expect(await value(metrics, 'wal_receiver_up{cluster="truck"}')).toBe(1);
    expect(await value(metrics, 'wal_archive_lag_bytes{cluster="truck"}')).toBe(200);
    expect(await value(metrics, 'wal_unprotected_since_timestamp_seconds{cluster="truck"}')).toBe(5);
    expect(await value(metrics, 'wal_archived_bytes_total{cluster="truck",repo="truck-main"}')).toBe(200);
    metrics.receiverSeen('truck', 'truck-main', undefined);
    expect(await value(metrics, 'wal_receiver_up{cluster="truck"}')).toBe(0);
    expect(await value(metrics, 'slot_retained_bytes{cluster="truck"}')).toBe(600);
  });

  test('counts connections made anew, by one receiver and by those that follow it', async () => {
    const metrics = make();
    const restarts = async (...seen: (number | undefined)[]) => {
      for (const count of seen) {
        metrics.receiverSeen(
          'truck',
          'truck-main',
          count === undefined ? undefined : { ...status, restarts: count },
        );
      }
      return value(metrics, 'wal_receiver_restarts_total{cluster="truck"}');
    };
    expect(await restarts(undefined, 0, 0)).toBe(0);
    expect(await restarts(1, 2, 2)).toBe(2);
    expect(await restarts(undefined, 0, 1)).toBe(4);
  });

  test('of another process is told apart from none', async () => {
    const metrics = make();
    metrics.receiverSeen('truck', 'truck-main', status);
    metrics.receiverElsewhere('truck');
    metrics.receiverSeen('truck', 'truck-main', undefined);
    expect(await value(metrics, 'wal_receiver_elsewhere{cluster="truck"}')).toBe(1);
    metrics.receiverSeen('truck', 'truck-main', status);
    expect(await value(metrics, 'wal_receiver_elsewhere{cluster="truck"}')).toBe(0);
  });
});

test('a scheduler that stands still does not hide behind another cluster that moves', async () => {
  const metrics = make(['truck', 'car']);
  const tick = (cluster: string, time: number) =>
    metrics.ticked({ cluster, at: time, nextRuns: [{ task: 'backup_full', at: time + 60_000 }] });
  tick('truck', 1000);
  expect(await value(metrics, 'scheduler_last_tick_timestamp_seconds')).toBe(0);
  tick('car', 2000);
  tick('car', 9000);
  expect(await value(metrics, 'scheduler_last_tick_timestamp_seconds')).toBe(1);
  expect(await value(metrics, 'schedule_next_run_timestamp_seconds{cluster="car",task="backup_full"}')).toBe(
    69,
  );
});
