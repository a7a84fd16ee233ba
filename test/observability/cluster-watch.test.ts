import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ClusterProbes } from '../../src/observability/cluster-watch.ts';
import { ClusterWatch, untilNextSurvey } from '../../src/observability/cluster-watch.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { ServiceState } from '../../src/observability/service-state.ts';
import {
  backupFacts,
  metricsOptions,
  repositoryOf,
  SERVER_SEEN,
} from '../support/monitoring/backup-facts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

const clock = new FakeClock();
let metrics: Metrics;
let state: ServiceState;
let failures: unknown[];

beforeEach(() => {
  failures = [];
  metrics = new Metrics({ version: '0', revision: '', nodeVersion: '' }, [metricsOptions()]);
  state = new ServiceState(clock, [
    { cluster: 'truck', maxAgeSeconds: 86_400, rpoSeconds: 86_400, receives: false, timeoutSeconds: 3600 },
  ]);
});

const holding = () => Promise.resolve(repositoryOf([backupFacts({ ended: clock.now() })]));
const watch = (probes: Partial<ClusterProbes>) =>
  new ClusterWatch({
    cluster: 'truck',
    repo: 'main',
    probes: {
      server: () => Promise.resolve(SERVER_SEEN),
      repository: () => Promise.resolve(),
      survey: holding,
      space: () => Promise.resolve({ capacityBytes: 100, freeBytes: 40 }),
      ...probes,
    },
    clock,
    metrics,
    state,
    probeFailed: (error) => failures.push(error),
  });
const codes = () => state.health().reasons.map(({ code }) => code);

test('before the first look nothing is ok, after it everything seen is', async () => {
  expect(codes()).toEqual(['server_unknown', 'repository_unknown']);
  await watch({}).look();
  expect(state.health()).toMatchObject({
    status: 'ok',
    clusters: [{ lastBackup: { id: 'full_backup_truck_20261122_020000' } }],
  });
  const text = await metrics.text();
  expect(text).toContain('larder_cluster_up{cluster="truck"} 1');
  expect(text).toContain('larder_repo_up{repo="main"} 1');
  expect(text).toContain('larder_repo_free_bytes{repo="main"} 40');
});

test('a probe that fails is reported, and what it looked at is down, while the others go on', async () => {
  await watch({}).look();
  const unreachable = new Error('unreachable');
  await watch({ survey: () => Promise.reject(unreachable) }).look();
  expect(failures).toEqual([unreachable]);
  expect(codes()).toEqual(['repository_unknown']);
  const text = await metrics.text();
  expect(text).toContain('larder_repo_up{repo="main"} 0');
  // what was known stays: an alert on too few backups must not fire for an outage
  expect(text).toContain('larder_backups{cluster="truck",repo="main",type="full",state="good"} 1');
  await watch({ server: () => Promise.reject(unreachable) }).look();
  expect(codes()).toEqual(['server_down']);
});

test('it looks every minute until it is stopped', async () => {
  let looks = 0;
  const watching = watch({
    server: async () => {
      looks++;
      return Promise.resolve(SERVER_SEEN);
    },
  });
  watching.start();
  await clock.advance(2.5 * 60_000);
  expect(looks).toBe(3);
  watching.stop();
  await clock.advance(60 * 60_000);
  expect(looks).toBe(3);
});

describe('a survey', () => {
  test('is repeated the more rarely the longer it takes, while a cheap look at the repository goes on every minute', async () => {
    expect([untilNextSurvey(0), untilNextSurvey(1000), untilNextSurvey(60_000)]).toEqual([
      0, 300_000, 600_000,
    ]);
    const seen = { survey: 0, repository: 0 };
    const watching = watch({
      survey: async () => {
        seen.survey++;
        await clock.sleep(1000);
        return holding();
      },
      repository: async () => {
        seen.repository++;
        return Promise.resolve();
      },
    });
    watching.start();
    await clock.advance(10.5 * 60_000);
    watching.stop();
    expect(seen).toEqual({ survey: 3, repository: 8 });
  });

  test('that finds no good backup is repeated every minute, however long it takes', async () => {
    let surveys = 0;
    const watching = watch({
      survey: async () => {
        surveys++;
        await clock.sleep(1000);
        return surveys < 3 ? repositoryOf([]) : holding();
      },
    });
    watching.start();
    await clock.advance(5 * 60_000);
    watching.stop();
    expect(surveys).toBe(3);
  });

  test('follows at once when the repository was away', async () => {
    let away = false;
    const watching = watch({
      survey: async () => {
        await clock.sleep(1000);
        return holding();
      },
      repository: () => (away ? Promise.reject(new Error('away')) : Promise.resolve()),
    });
    watching.start();
    await clock.advance(61_500);
    expect(codes()).toEqual([]);
    away = true;
    await clock.advance(60_000);
    expect(codes()).toEqual(['repository_unknown']);
    away = false;
    await clock.advance(61_500);
    watching.stop();
    expect(codes()).not.toContain('repository_unknown');
  });

  test('that is asked for while one goes on is made once, after it', async () => {
    let surveys = 0;
    const watching = watch({
      survey: async () => {
        surveys++;
        await clock.sleep(1000);
        return holding();
      },
    });
    const looks = [watching.look(), watching.look(), watching.look()];
    await clock.advance(3000);
    await Promise.all(looks);
    expect(surveys).toBe(2);
  });
});

test('runs, ticks and the stop are seen as they happen, those of unknown clusters not at all', async () => {
  await watch({}).look();
  state.restore([
    anEndedRun({ result: 'failure' }),
    aRun(),
    anEndedRun({ cluster: 'gone', result: 'failure' }),
  ]);
  expect(codes()).toEqual(['last_run_failed']);
  const run = aRun({ started: clock.now() });
  state.runListener().started?.(run);
  expect(state.health().clusters[0]?.running?.task).toBe('backup_full');
  state.runListener().ended?.(anEndedRun({ ...run }));
  state.ticked({
    cluster: 'truck',
    at: clock.now(),
    nextRuns: [{ task: 'backup_full', at: clock.now() + 1000 }],
  });
  expect(state.health()).toMatchObject({ status: 'ok', service: 'running', clusters: [{ running: null }] });
  expect(state.health().clusters[0]?.nextRun).toBe(new Date(clock.now() + 1000).toISOString());
  state.stopping();
  expect(state.health().service).toBe('stopping');
});
