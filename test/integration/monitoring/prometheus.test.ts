import { readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import { larder } from '../../support/larder-command.ts';
import { eventually, startLarder, type LarderProcess } from '../../support/larder-process.ts';
import { startAlertmanager, type TestAlertmanager } from '../../support/monitoring/alertmanager.ts';
import { startPrometheus, type TestPrometheus } from '../../support/monitoring/prometheus.ts';
import { alertRules, metricsIn, panelExpressions } from '../../support/monitoring/rules.ts';
import { monitoringServersTest, runTool } from '../../support/monitoring/tools.ts';
import { mayMount } from '../../support/able-to.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { mountSmall } from '../../support/small-filesystem.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';

/** What a healthy service that was just started has no data for: no drill was held yet. */
const WITHOUT_DATA = ['larder_drill_last_recovery_seconds'];

/** Ended in reverse, also where not all of it was started. */
const started = new AsyncDisposableStack();
let server: TestServer;
let directory: TemporaryDirectory;
let port: number;
let daemon: LarderProcess;
let alertmanager: TestAlertmanager;
let prometheus: TestPrometheus;

beforeAll(async () => {
  if (monitoringServersTest === test.skip) return;
  directory = started.use(await temporaryDirectory());
  port = await findFreePort();
  server = started.use(await startServer({ major: 18, walSegmentSizeMb: 1 }));
  alertmanager = started.use(await startAlertmanager(join(directory.path, 'alertmanager')));
  prometheus = started.use(
    await startPrometheus({
      directory: join(directory.path, 'prometheus'),
      larder: port,
      alertmanager: alertmanager.port,
    }),
  );
}, 120_000);

afterAll(() => started.disposeAsync(), 60_000);

const environment = (): Record<string, string> => ({
  DATABASE_URL: server.connection,
  LARDER_HTTP_PORT: String(port),
  LARDER_WAL_TAIL_INTERVAL: '200ms',
});
function startDaemon(env: Record<string, string> = {}): LarderProcess {
  daemon = started.use(startLarder(['daemon'], { cwd: directory.path, env: { ...environment(), ...env } }));
  return daemon;
}
async function stop(service: LarderProcess): Promise<void> {
  service.signal('SIGTERM');
  expect(await service.exit).toBe(0);
}
const health = async () => {
  const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
  return response === undefined ? 'no answer' : ((await response.json()) as { status: string }).status;
};
const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const archive = async () => {
  const root = join(directory.path, 'backups', 'transaction_logs');
  return (await readdir(root, { recursive: true })).filter((name) => /\/[0-9A-F]{24}$/.test(name)).sort();
};
const firing = (...alerts: string[]) =>
  eventually(
    () => prometheus.firing(),
    (found) => alerts.every((alert) => found.includes(alert)),
    90,
  );
const since = async (expr: string) => (await prometheus.query(expr)).length > 0;

monitoringServersTest(
  'a real Prometheus scrapes a healthy service: every rule and panel evaluates, and has its data',
  async () => {
    startDaemon();
    await eventually(health, (status) => status === 'ok', 90);
    // four segments, so that one may be lost in the middle; verification is the last of the first runs
    for (let segment = 0; segment < 4; segment++) {
      await server.query('SELECT pg_logical_emit_message(false, $$larder$$, $$x$$); SELECT pg_switch_wal()');
    }
    await eventually(archive, (segments) => segments.length >= 4, 60);
    await eventually(
      () => since('larder_job_last_success_timestamp_seconds{task="verify"} > 0'),
      Boolean,
      90,
    );
    // rates need two scrapes, and something that happens between two: the first runs may be over before the first
    await eventually(() => since('count_over_time(larder_build_info[1h]) > 5'), Boolean, 30);
    const sealed = await larder(['run', 'transaction-log', '--wait'], environment(), directory.path);
    expect(sealed).toMatchObject({ code: 0 });
    await eventually(() => since('increase(larder_job_runs_total[1h]) > 0'), Boolean, 30);

    expect(await runTool('promtool', ['check', 'metrics'], await metrics())).toEqual({ code: 0, output: '' });
    for (const { name, health: state, lastError = '' } of await prometheus.rules()) {
      expect([name, state, lastError]).toEqual([name, 'ok', '']);
    }
    const missing: string[] = [];
    for (const name of new Set(alertRules().flatMap(({ expr }) => metricsIn(expr)))) {
      if (!(await since(`{__name__="${name}"}`))) missing.push(name);
    }
    for (const { panel, expr } of panelExpressions()) {
      const found = await prometheus.query(expr);
      const mayBeEmpty = WITHOUT_DATA.some((name) => expr.includes(name));
      if (found.length === 0 && !mayBeEmpty) missing.push(`${panel}: ${expr}`);
    }
    expect(missing).toEqual([]);
    expect(await prometheus.firing()).toEqual(['LarderWatchdog']);
    await eventually(
      () => Promise.resolve(alertmanager.signsOfLife()),
      (count) => count > 0,
      60,
    );
    expect(alertmanager.alerts()).toEqual([]);
  },
  300_000,
);

monitoringServersTest(
  'a service that was stopped is told of, by a real Alertmanager',
  async () => {
    await stop(daemon);
    await firing('LarderDown');
    const told = await eventually(
      () => Promise.resolve(alertmanager.alerts()),
      (bodies) => bodies.some((body) => body.includes('Larder does not answer')),
      60,
    );
    expect(told.join()).not.toContain('LarderWatchdog');
  },
  200_000,
);

monitoringServersTest(
  'a segment that is lost from the repository is told of',
  async () => {
    const [, lost] = await archive();
    await unlink(join(directory.path, 'backups', 'transaction_logs', lost!));
    startDaemon();
    await firing('LarderWalGap');
    expect(await prometheus.query('larder_wal_missing_segments')).toMatchObject([
      { value: [expect.any(Number), '1'] },
    ]);
    await stop(daemon);
  },
  200_000,
);

(mayMount ? monitoringServersTest : test.skip)(
  'a disk that is full, and the backup that fails for it, are told of',
  async () => {
    const small = join(directory.path, 'small');
    await using mounted = await mountSmall(small, 24);
    expect(mounted).toBeDefined();
    await writeFile(join(small, 'filler'), Buffer.alloc(23 * 1024 * 1024));
    startDaemon({
      BACKUP_DIR: join(small, 'backups'),
      LARDER_STATE_DIR: join(directory.path, 'other-state'),
      // so often that no attempt fits between two runs
      LARDER_SCHEDULE_FULL: '* * * * *',
      LARDER_SCHEDULE_INCREMENTAL: 'none',
      LARDER_WAL_RECEIVE: 'off',
    });
    await firing('LarderStorageFull', 'LarderBackupFailed');
    await stop(daemon);
  },
  200_000,
);
