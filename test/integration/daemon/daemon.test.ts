import { mkdir, readdir, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/clock.ts';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import { RunHistory } from '../../../src/scheduler/history.ts';
import { eventually, startLarder } from '../../support/larder-process.ts';
import type { LarderProcess } from '../../support/larder-process.ts';
import { startServer } from '../../support/postgres-server.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import type { TemporaryDirectory } from '../../support/temporary-directory.ts';

interface Health {
  status: string;
  reasons: { code: string; message: string }[];
  clusters: { lastBackup: { id: string } | null; running: object | null; nextRun: string | null }[];
}

let server: TestServer;
let directory: TemporaryDirectory;
let port: number;
let daemons: LarderProcess[];

beforeAll(async () => {
  server = await startServer({ major: 18 });
}, 60_000);
afterAll(() => server.stop());
beforeEach(async () => {
  directory = await temporaryDirectory();
  port = await findFreePort();
  daemons = [];
});
afterEach(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const socket = () => join(server.socketDirectory, `.s.PGSQL.${server.port}`);
const through = (proxy: { port: number }) => `postgresql://postgres@127.0.0.1:${proxy.port}/postgres`;
const state = () => join(directory.path, 'larder-state');
const backups = () => join(directory.path, 'backups');

function startDaemon(connection: string, env: Record<string, string> = {}): LarderProcess {
  const daemon = startLarder(['daemon'], {
    cwd: directory.path,
    // the log and verifications have tests of their own; here nothing else is to go through the proxies
    env: {
      DATABASE_URL: connection,
      LARDER_HTTP_PORT: String(port),
      LARDER_WAL_RECEIVE: 'off',
      LARDER_SCHEDULE_VERIFY: 'none',
      ...env,
    },
  });
  daemons.push(daemon);
  return daemon;
}
async function stop(daemon: LarderProcess): Promise<void> {
  daemon.signal('SIGTERM');
  expect(await daemon.exit).toBe(0);
}
const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  return { status: response?.status, body: (await response?.text()) ?? '' };
};
const health = async () => {
  const { status, body } = await get('/health');
  return status === undefined ? undefined : (JSON.parse(body) as Health);
};
const codes = (seen: Health | undefined) => seen?.reasons.map(({ code }) => code).sort() ?? ['no answer'];
const healthWith = (...wanted: string[]) =>
  eventually(health, (seen) => codes(seen).join() === wanted.sort().join());
const metric = async (series: string) => {
  const { body } = await get('/metrics');
  const line = body.split('\n').find((text) => text.startsWith(`larder_${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
};
const of = (labels: string) => `{cluster="postgres",${labels}}`;
const backupsGood = of('repo="postgres",type="full",state="good"');
const task = of('task="backup_full"');
const counted = (result: string) => metric(`job_runs_total${of(`task="backup_full",result="${result}"`)}`);
const history = async () =>
  (await (await RunHistory.open(state(), systemClock)).runs()).map(({ reason, result }) => [reason, result]);
const backupDirectories = async () =>
  (await readdir(backups()).catch(() => [])).filter((name) => name.startsWith('full_backup_'));
/** What a backup in progress has stored so far; it becomes visible with its first whole pack. */
const unfinishedFiles = () => readdir(join(backups(), '.tmp')).catch(() => []);

test('the first backup is taken at once, health and metrics tell the truth on the way, and a restart takes no second', async () => {
  await using proxy = await startProxy({ target: socket(), fault: 'hold', afterBytes: 2_000_000 });
  const daemon = startDaemon(through(proxy));
  await proxy.struck;

  const during = await healthWith('first_backup_running');
  expect(during).toMatchObject({
    status: 'degraded',
    clusters: [{ lastBackup: null, running: { task: 'backup_full' } }],
  });
  expect((await get('/health/live')).status).toBe(200);
  expect((await get('/health/backup')).status).toBe(503);
  expect(await metric(`job_running${task}`)).toBe(1);
  expect(
    await eventually(
      () => metric(`job_progress_ratio${task}`),
      (ratio) => (ratio ?? 0) > 0,
    ),
  ).toBeLessThan(1);
  expect(await metric(`job_last_success_timestamp_seconds${task}`)).toBe(0);
  expect(await metric(`backups${backupsGood}`)).toBe(0);
  expect(await backupDirectories()).toEqual([]);

  proxy.release();
  const after = await healthWith();
  const [id = ''] = await backupDirectories();
  expect(after).toMatchObject({ status: 'ok', clusters: [{ lastBackup: { id }, running: null }] });
  expect((await get('/health/backup')).status).toBe(200);
  expect(await metric(`job_running${task}`)).toBe(0);
  expect(await metric(`backups${backupsGood}`)).toBe(1);
  expect(await metric(`job_last_success_timestamp_seconds${task}`)).toBeGreaterThan(Date.now() / 1000 - 60);
  await stop(daemon);
  expect(
    daemon
      .stdout()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg),
  ).toEqual(['listening', 'role changed', 'run started', 'run succeeded', 'stopping']);

  const second = startDaemon(through(proxy));
  await healthWith();
  expect(await counted('success')).toBe(1);
  await stop(second);
  expect(await history()).toEqual([['first', 'success']]);
  expect(await backupDirectories()).toEqual([id]);
}, 60_000);

test('SIGTERM in the middle of a backup ends it as interrupted, and the next start takes it unaided', async () => {
  await using proxy = await startProxy({ target: socket(), fault: 'hold', afterBytes: 2_000_000 });
  const daemon = startDaemon(through(proxy));
  await proxy.struck;
  await eventually(unfinishedFiles, (found) => found.length > 0);
  const began = performance.now();
  await stop(daemon);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(await history()).toEqual([['first', 'interrupted']]);
  expect([await backupDirectories(), await unfinishedFiles()]).toEqual([[], []]);

  proxy.release();
  const next = startDaemon(through(proxy));
  await healthWith();
  expect([await counted('interrupted'), await counted('success'), await counted('failure')]).toEqual([
    1, 1, 0,
  ]);
  await stop(next);
  expect(await history()).toEqual([
    ['first', 'interrupted'],
    ['first', 'success'],
  ]);
}, 60_000);

test('SIGKILL in the middle of a backup costs nothing but that backup', async () => {
  await using proxy = await startProxy({ target: socket(), fault: 'hold', afterBytes: 2_000_000 });
  const daemon = startDaemon(through(proxy));
  await proxy.struck;
  await eventually(unfinishedFiles, (found) => found.length > 0);
  daemon.signal('SIGKILL');
  await daemon.exit;
  expect(await history()).toEqual([['first', 'interrupted']]);
  expect(await unfinishedFiles()).not.toEqual([]);

  proxy.release();
  const next = startDaemon(through(proxy));
  await healthWith();
  await stop(next);
  expect([await backupDirectories(), await unfinishedFiles()]).toEqual([[expect.any(String)], []]);
}, 60_000);

test('a server that is down fails the backup visibly, and the schedule takes it once the server is back', async () => {
  await server.halt();
  const daemon = startDaemon(server.connection, { LARDER_SCHEDULE_FULL: '* * * * *' });
  const failing = await healthWith('last_run_failed', 'no_backup', 'server_down');
  expect(failing?.status).toBe('failing');
  expect(failing?.reasons.map(({ message }) => message)).toContain(
    'the last run failed with SERVER_UNREACHABLE',
  );
  expect(await counted('failure')).toBeGreaterThanOrEqual(1);
  expect(await metric('cluster_up{cluster="postgres"}')).toBe(0);
  expect(await metric(`job_consecutive_failures${task}`)).toBeGreaterThanOrEqual(1);
  // a restart of the container would not help
  expect((await get('/health')).status).toBe(200);

  await server.restart();
  await eventually(health, (seen) => codes(seen).length === 0, 80);
  expect(await metric('cluster_up{cluster="postgres"}')).toBe(1);
  expect(await metric(`job_consecutive_failures${task}`)).toBe(0);
  await stop(daemon);
  const runs = await history();
  expect(runs[0]).toEqual(['first', 'failure']);
  expect(runs).toContainEqual(['schedule', 'success']);
}, 150_000);

test('a repository that is gone is unknown, not empty, and no new one is begun in its place', async () => {
  const daemon = startDaemon(server.connection);
  await healthWith();
  await stop(daemon);
  await rename(backups(), `${backups()}-elsewhere`);
  await mkdir(backups());

  const next = startDaemon(server.connection);
  await healthWith('repository_unknown');
  expect(await metric('repo_up{repo="postgres"}')).toBe(0);
  expect(next.stdout()).toContain('REPOSITORY_MISSING');
  await stop(next);
  expect(await readdir(backups())).toEqual([]);
}, 60_000);

describe('a daemon that cannot start', () => {
  test('for a configuration that is wrong ends with exit code 2 and all of its problems', async () => {
    const daemon = startDaemon(server.connection, {
      LARDER_SCHEDULE_FULL: '0 25 * * *',
      BACKUP_COMPRESSION: '99',
    });
    expect(await daemon.exit).toBe(2);
    expect(daemon.stderr()).toContain('BACKUP_COMPRESSION');
    const schedule = startDaemon(server.connection, { LARDER_SCHEDULE_FULL: '0 25 * * *' });
    expect(await schedule.exit).toBe(2);
    expect(schedule.stderr()).toContain('schedule "0 25 * * *" is not a cron pattern');
  }, 20_000);

  test('because its port is taken ends with exit code 2, and takes no backup', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const daemon = startDaemon(server.connection);
    expect(await daemon.exit).toBe(2);
    expect(daemon.stderr()).toContain('ADDRESS_IN_USE');
    other.close();
    expect(await backupDirectories()).toEqual([]);
  }, 20_000);
});

test('"start" with a server to protect and nobody watching logs JSON, and introduces itself in words beside it', async () => {
  const service = startLarder(['start'], {
    cwd: directory.path,
    env: {
      DATABASE_URL: server.connection,
      LARDER_HTTP_PORT: String(port),
      LARDER_WAL_RECEIVE: 'off',
      LARDER_SCHEDULE_VERIFY: 'none',
    },
  });
  daemons.push(service);
  await healthWith();
  expect(service.stderr()).toContain(`health        http://127.0.0.1:${port}/health`);
  expect(
    service
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toHaveLength(4);
  await stop(service);
}, 60_000);
