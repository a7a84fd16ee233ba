import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../src/clock.ts';
import { RunHistory } from '../src/scheduler/history.ts';
import { until } from './support/until.ts';

let state: string;
let children: ChildProcess[];

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'larder-service-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(state, { recursive: true });
});

/** The parts of the service, put together around a job that waits; its first run has begun. */
async function startService(...options: string[]) {
  const script = join(import.meta.dirname, 'support/service-process.ts');
  const child = spawn(process.execPath, [script, state, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until(() => log.includes('listening') && log.includes('run started'));
  const port = /"port":(\d+)/.exec(log)?.[1] ?? '';
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  };
  return { child, get, log: () => log, exit: () => once(child, 'exit') };
}
const results = async () =>
  (await (await RunHistory.open(state, systemClock)).runs()).map(({ result }) => result);

test('a service shows its first backup running, and SIGTERM ends it as interrupted with exit code 0', async () => {
  const service = await startService();
  expect(JSON.parse((await service.get('/health')).body)).toMatchObject({
    status: 'degraded',
    reasons: [{ code: 'first_backup_running' }],
  });
  expect((await service.get('/health/live')).status).toBe(200);
  expect((await service.get('/health/backup')).status).toBe(503);
  expect((await service.get('/metrics')).body).toContain(
    'larder_job_running{cluster="truck",task="backup_full"} 1',
  );

  const exit = service.exit();
  service.child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect(service.log()).toContain('run stopped before its end');
  expect(await results()).toEqual(['interrupted']);
});

test('after SIGKILL the next start finds the run interrupted, counts it, and begins again', async () => {
  const first = await startService();
  const killed = first.exit();
  first.child.kill('SIGKILL');
  await killed;
  expect(await results()).toEqual(['interrupted']);
  const second = await startService();
  expect(await results()).toEqual(['interrupted', undefined]);
  expect((await second.get('/metrics')).body).toContain('task="backup_full",result="interrupted"} 1');
});

test('while a job that does not listen holds up the stop, probes see it stopping, and a second signal ends it', async () => {
  const service = await startService('ignore');
  service.child.kill('SIGTERM');
  await until(async () => (await service.get('/health/ready')).status === 503);
  expect(JSON.parse((await service.get('/health')).body)).toMatchObject({ service: 'stopping' });
  const exit = service.exit();
  service.child.kill('SIGTERM');
  expect(await exit).toEqual([130, null]);
  expect(await results()).toEqual(['interrupted']);
});
