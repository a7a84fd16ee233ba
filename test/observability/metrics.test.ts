import { describe, expect, test } from '@jest/globals';
import type { BackupFacts } from '../../src/observability/backup-facts.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

const at = (text: string) => Date.parse(text);
const make = (clusters = ['truck']) =>
  new Metrics(
    { version: '0.1.0', revision: 'abc', nodeVersion: 'v24' },
    clusters.map((cluster) => ({
      cluster,
      repo: `${cluster}-main`,
      rpoSeconds: 86_400,
      rtoSeconds: 14_400,
      jobs: [{ task: 'backup_full' as const, maxAgeSeconds: 700_000, timeoutSeconds: 3600 }],
    })),
  );
const backup = (fields: Partial<BackupFacts>): BackupFacts => ({
  id: 'full_backup_truck_1',
  type: 'full',
  state: 'good',
  ended: at('2026-11-22T02:10:00Z'),
  sourceBytes: 1000,
  storedBytes: 400,
  pageChecksumErrors: 0,
  ...fields,
});

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
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice('larder_'.length));
  const zero = series.filter((line) => line.endsWith(' 0')).map((line) => line.split(/[{ ]/)[0]);
  expect(series.filter((line) => !line.endsWith(' 0'))).toEqual([
    'build_info{version="0.1.0",revision="abc",node_version="v24"} 1',
    'rpo_target_seconds{cluster="truck"} 86400',
    'rto_target_seconds{cluster="truck"} 14400',
    'job_max_age_seconds{cluster="truck",task="backup_full"} 700000',
    'job_timeout_seconds{cluster="truck",task="backup_full"} 3600',
  ]);
  expect(new Set(zero)).toEqual(
    new Set([
      'cluster_up',
      'scheduler_last_tick_timestamp_seconds',
      'schedule_next_run_timestamp_seconds',
      'schedule_paused_until_timestamp_seconds',
      'schedule_missed_runs_total',
      'leader',
      'leader_epoch',
      'wal_receiver_up',
      'wal_receiver_restarts',
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
      'backups',
      'backup_last_success_timestamp_seconds',
      'backup_last_source_bytes',
      'backup_last_stored_bytes',
      'backup_page_checksum_errors',
      'repo_up',
      'repo_last_check_timestamp_seconds',
      'repo_capacity_bytes',
      'repo_free_bytes',
    ]),
  );
});

test('two sets of metrics in one process do not know of each other', async () => {
  const [one, other] = [make(), make()];
  one.serverChecked('truck', true);
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
    backup({ ended: at('2026-11-15T02:10:00Z'), sourceBytes: 900, storedBytes: 300 }),
    backup({ ended: at('2026-11-22T02:10:00Z'), state: 'corrupt_source', pageChecksumErrors: 2 }),
  ];

  test('is counted by state; only a good backup is the last success', async () => {
    const metrics = make();
    metrics.catalogueRead('truck', 'truck-main', backups);
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
    metrics.catalogueRead('truck', 'truck-main', backups);
    expect(await value(metrics, job('last_success_timestamp_seconds'))).toBe(
      at('2026-11-15T02:10:00Z') / 1000,
    );
    metrics.runListener().ended?.(anEndedRun({ started: at('2026-11-22T02:00:00Z') }));
    metrics.catalogueRead('truck', 'truck-main', backups);
    expect(await value(metrics, job('last_success_timestamp_seconds'))).toBe(
      at('2026-11-22T02:01:00Z') / 1000,
    );
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
