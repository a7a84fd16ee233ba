import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AuditTrail } from '../../../src/audit/audit-trail.ts';
import { systemClock } from '../../../src/clock.ts';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import type { RunView } from '../../../src/http/api/run-routes.ts';
import type { ScheduleView } from '../../../src/http/api/schedule-routes.ts';
import { larder, type Ended } from '../../support/larder-command.ts';
import { eventually, startLarder, type LarderProcess } from '../../support/larder-process.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';

let server: TestServer;
let directory: TemporaryDirectory;
let environment: Record<string, string>;

beforeAll(async () => {
  server = await startServer({ major: 18 });
  directory = await temporaryDirectory();
  environment = {
    DATABASE_URL: server.connection,
    LARDER_HTTP_PORT: String(await findFreePort()),
    LARDER_WAL_RECEIVE: 'off',
    LARDER_SCHEDULE_FULL: '30 2 * * 0 Europe/Berlin',
    LARDER_SCHEDULE_VERIFY: 'none',
    LARDER_BACKUP_WORKERS: '1',
  };
}, 60_000);
afterAll(async () => {
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

const state = () => join(directory.path, 'larder-state');
const command = (...args: string[]) => larder(args, environment, directory.path);
const json = async <T>(...args: string[]) => JSON.parse((await command(...args, '--json')).stdout) as T;
const runs = async () => (await json<{ runs: RunView[] }>('runs')).runs;
const startDaemon = (env: Record<string, string> = {}): LarderProcess =>
  startLarder(['daemon'], { cwd: directory.path, env: { ...environment, ...env } });
async function stop(daemon: LarderProcess): Promise<void> {
  daemon.signal('SIGTERM');
  expect(await daemon.exit).toBe(0);
}
const address = () => `http://127.0.0.1:${environment['LARDER_HTTP_PORT'] ?? ''}`;
const idle = () =>
  eventually(runs, (seen) => seen.length > 0 && seen.every(({ result }) => result !== null), 120);
const failure = (ended: Ended) => [ended.code, ended.stderr.split('\n')[0]];

test('commands ask the service that runs on their state directory, see what it did, and leave who they are', async () => {
  expect(failure(await command('run', 'verify'))).toEqual([
    2,
    `larder: no service runs on ${state()} [SERVICE_UNREACHABLE]`,
  ]);
  await using daemon = startDaemon();
  await idle();

  const verified = await command('run', 'verify', '--wait');
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^verify of postgres: success/) as unknown,
  });
  const second = await command('run', 'second-site-test', '--wait');
  expect([second.code, second.stderr]).toEqual([2, expect.stringContaining('CONFIG_INVALID')]);
  expect(failure(await command('run', 'verify', '--backup', 'full_backup_postgres_20200101_000000'))).toEqual(
    [4, expect.stringContaining('there is no backup "full_backup_postgres_20200101_000000"')],
  );
  expect(failure(await command('run', 'verfy'))[0]).toBe(2);
  expect(failure(await command('cancel', 'nothing'))).toEqual([
    2,
    'larder: there is no run nothing [RUN_UNKNOWN]',
  ]);

  const person = (await runs())[1]?.requestedBy ?? '';
  expect(person).toMatch(/^user:/);
  expect((await runs()).map(({ task, reason, result }) => [task, reason, result])).toEqual([
    ['backup_full', 'first', 'success'],
    ['verify', 'request', 'success'],
    ['second_site_test', 'request', 'failure'],
  ]);
  const { records } = await new AuditTrail(state(), systemClock).read();
  const acts = records.filter(({ actor }) => actor !== 'service');
  expect(acts.map(({ actor, action }) => [actor, action])).toEqual([
    ['schedule', 'backup'],
    [person, 'run'],
    [person, 'run'],
    [person, 'run'],
    [person, 'run'],
  ]);
  await stop(daemon);
  await expect(access(join(state(), 'service.json'))).rejects.toThrow();
}, 240_000);

test('a run that goes on is not started twice, and is ended by a command', async () => {
  const socket = join(server.socketDirectory, `.s.PGSQL.${server.port}`);
  await using proxy = await startProxy({ target: socket, fault: 'hold', afterBytes: 2_000_000 });
  await using daemon = startDaemon({
    DATABASE_URL: `postgresql://postgres@127.0.0.1:${proxy.port}/postgres`,
  });
  await eventually(
    () => command('run', 'backup_full'),
    ({ code }) => code === 0,
  );
  const [asked] = (await runs()).filter(({ result }) => result === null);
  const again = await json<RunView>('run', 'backup-full');
  expect(again.id).toBe(asked?.id);
  await proxy.struck;
  expect((await command('cancel', again.id)).stdout).toBe('backup_full of postgres is being canceled.\n');
  const over = await eventually(runs, (seen) => seen.every(({ result }) => result !== null));
  expect(over.find(({ id }) => id === again.id)).toMatchObject({
    result: 'canceled',
    requestedBy: asked?.requestedBy,
  });
  expect((await command('cancel', again.id)).stdout).toBe('backup_full of postgres is canceled.\n');
  expect(failure(await command('cancel', over[0]?.id ?? ''))[1]).toContain('RUN_OVER');
  await stop(daemon);
}, 240_000);

test('a pause without a service holds when it starts, and is told of until somebody ends it', async () => {
  expect(failure(await command('pause', '--for', '2h'))).toEqual([
    2,
    'larder: a pause needs a --reason [USAGE]',
  ]);
  const paused = await command('pause', 'backup_incremental', '--for', '2h', '--reason', 'moving');
  expect(paused.stdout).toMatch(/^Until .* UTC nothing of this is started .*: backup_incremental\.\n$/);
  const { schedules } = await json<{ schedules: ScheduleView[] }>('schedule');
  const stopped = schedules[0]?.tasks.filter(({ pause }) => pause !== null);
  expect(stopped).toMatchObject([{ task: 'backup_incremental', pause: { reason: 'moving' } }]);
  const table = (await command('schedule')).stdout;
  expect(table).toMatch(/backup_full +\d{4}-\d{2}-\d{2} 02:30 +Europe\/Berlin/);
  expect(table).toMatch(/paused until .* by user:.*: moving/);

  await using daemon = startDaemon();
  const metric = async () => {
    const response = await fetch(`${address()}/metrics`).catch(() => undefined);
    return /paused_until_timestamp_seconds\{cluster="postgres",task="backup_incremental"\} (\d+)/.exec(
      (await response?.text()) ?? '',
    )?.[1];
  };
  await eventually(metric, (until) => Number(until) > Date.now() / 1000);
  expect((await command('resume')).stdout).toBe('The schedule of postgres goes on: backup_incremental.\n');
  expect((await command('resume')).stdout).toBe('Nothing of postgres was paused.\n');
  await stop(daemon);
}, 240_000);

test('a history that is deleted or damaged is filled by what the repository tells, and no backup is taken for it', async () => {
  const path = join(state(), 'runs.jsonl');
  const [backup] = (await runs()).filter(
    ({ task, result }) => task === 'backup_full' && result === 'success',
  );
  expect(backup).toBeDefined();
  const succeeded = async () => {
    const response = await fetch(`${address()}/metrics`).catch(() => undefined);
    return /job_runs_total\{cluster="postgres",task="backup_full",result="success"\} (\d+)/.exec(
      (await response?.text()) ?? '',
    )?.[1];
  };
  const deleted = () => rm(path);
  const flipped = async () => {
    const bytes = await readFile(path);
    bytes[bytes.indexOf(backup?.backupId ?? '')]! ^= 0x20;
    await writeFile(path, bytes);
  };
  for (const damage of [deleted, flipped]) {
    await damage();
    await using daemon = startDaemon();
    await eventually(succeeded, (count) => count === '1');
    const found = (await runs()).filter(({ backupId }) => backupId === backup?.backupId);
    expect(found).toMatchObject([
      { task: 'backup_full', reason: 'rebuilt', result: 'success' },
      { task: 'verify', reason: 'rebuilt', result: 'success' },
    ]);
    expect((await runs()).filter(({ reason }) => reason === 'first')).toEqual([]);
    await eventually(
      async () => (await fetch(`${address()}/health/backup`)).status,
      (status) => status === 200,
    );
    await stop(daemon);
  }
}, 240_000);
