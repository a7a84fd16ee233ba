import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { assembleService, type Service } from '../../../src/assemble.ts';
import { systemClock } from '../../../src/clock.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { runDaemon } from '../../../src/daemon.ts';
import { EventEmitter } from 'node:events';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import type { RunRecord } from '../../../src/scheduler/run-record.ts';
import { eventually } from '../../support/larder-process.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';

let server: TestServer;
let directory: TemporaryDirectory;

beforeAll(async () => {
  server = await startServer({ major: 17 });
  directory = await temporaryDirectory();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

/** A service in this process, so that it can be asked for runs. */
async function startService() {
  const port = await findFreePort();
  const config = await loadConfig({
    environment: {
      DATABASE_URL: server.connection,
      LARDER_HTTP_PORT: String(port),
      LARDER_VERIFY_LEVEL: 'objects',
    },
    workingDirectory: directory.path,
    readFile: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' })),
  });
  const ended: RunRecord[] = [];
  const service: Service = await assembleService({
    config,
    clock: systemClock,
    larderVersion: 'test',
    log: { write: () => undefined },
    listener: { ended: (run) => ended.push(run) },
  });
  const signals = new EventEmitter();
  const exit = runDaemon({ ...service, signals, clock: systemClock });
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    return (await response?.json()) as { status: string; reasons: object[] } | undefined;
  };
  return { service, ended, health, port, stop: () => (signals.emit('SIGTERM'), exit) };
}

test('a service receives the log, verifies each backup, seals, and refuses what is not built for all to see', async () => {
  const { service, ended, health, port, stop } = await startService();
  const results = () => ended.map(({ task, result }) => `${task} ${result ?? ''}`);
  await eventually(
    () => Promise.resolve(results()),
    (seen) => seen.join() === 'backup_full success,verify success',
    60,
  );
  expect(ended[1]).toMatchObject({ reason: 'after_backup', backupId: ended[0]?.backupId });
  expect(ended[0]?.phases?.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['checkpoint', 'copying', 'committing']),
  );
  await eventually(health, (seen) => seen?.status === 'ok', 30);

  const incremental = await service.enqueue('postgres', 'backup_incremental');
  expect(incremental).toMatchObject({ result: 'success', reason: 'request' });
  const seal = await service.enqueue('postgres', 'transaction_log');
  expect(seal).toMatchObject({
    result: 'success',
    remark: expect.stringContaining('sealed up to') as unknown,
  });
  await eventually(
    () => Promise.resolve(ended),
    (seen) => seen.some(({ task, backupId }) => task === 'verify' && backupId === incremental.backupId),
    30,
  );
  expect(await service.enqueue('postgres', 'drill')).toMatchObject({
    result: 'success',
    remark: expect.stringMatching(
      /^recovered to the newest point from \S+ in [\d.]+ s, [\d.]+ s lost$/,
    ) as unknown,
  });
  expect(await service.enqueue('postgres', 'second_site_test')).toMatchObject({
    result: 'failure',
    errorCode: 'CONFIG_INVALID',
  });
  expect((await health())?.reasons).toMatchObject([{ code: 'last_second_site_test_failed' }]);
  await expect(service.enqueue('other', 'verify')).rejects.toMatchObject({ code: 'CLUSTER_UNKNOWN' });

  // the lease is taken at the next look after the first backup has made the repository
  const readMetrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await eventually(readMetrics, (text) => /larder_leader_epoch\{cluster="postgres"\} [1-9]/.test(text), 20);
  const metrics = await readMetrics();
  for (const line of [
    'larder_leader{cluster="postgres"} 1',
    'larder_wal_receiver_up{cluster="postgres"} 1',
    'larder_job_runs_total{cluster="postgres",task="verify",result="success"} 2',
  ]) {
    expect(metrics).toContain(line);
  }
  const began = performance.now();
  expect(await stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(10_000);
}, 180_000);

test('a restart goes on with the same log, and takes nothing that was taken', async () => {
  const { ended, health, stop } = await startService();
  await eventually(health, (seen) => seen?.reasons.length === 1, 30);
  expect(await stop()).toBe(0);
  expect(ended).toEqual([]);
}, 60_000);
