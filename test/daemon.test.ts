import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Part } from '../src/daemon.ts';
import { runDaemon } from '../src/daemon.ts';
import { FakeClock } from './support/fake-clock.ts';
import { until } from './support/until.ts';

let signals: EventEmitter;
let clock: FakeClock;
let seen: string[];

beforeEach(() => {
  signals = new EventEmitter();
  clock = new FakeClock();
  seen = [];
});

function part(name: string, changes: Partial<Part> = {}): Part {
  return {
    name,
    start: () => void seen.push(`start ${name}`),
    stop: () => void seen.push(`stop ${name}`),
    ...changes,
  };
}
const run = (...parts: Part[]) =>
  runDaemon({
    parts,
    signals,
    clock,
    stopping: () => seen.push('stopping'),
    stopFailed: (name, error) => seen.push(`${name}: ${(error as Error).message}`),
  });
const forEver = () => new Promise<void>(() => undefined);

test.each(['SIGTERM', 'SIGINT'])(
  '%s stops the parts in reverse order, HTTP last, and the exit code is 0',
  async (signal) => {
    const exit = run(part('http'), part('runner'), part('scheduler'));
    await until(() => seen.length === 3);
    signals.emit(signal);
    expect(await exit).toBe(0);
    expect(seen).toEqual([
      'start http',
      'start runner',
      'start scheduler',
      'stopping',
      'stop scheduler',
      'stop runner',
      'stop http',
    ]);
    expect(clock.sleeping).toBe(0);
    expect(signals.eventNames()).toEqual([]);
  },
);

test('a part that does not start ends the service with its error, and the others stop', async () => {
  const error = new Error('port in use');
  await expect(run(part('a'), part('b', { start: () => Promise.reject(error) }), part('c'))).rejects.toBe(
    error,
  );
  expect(seen).toEqual(['start a', 'stop c', 'stop b', 'stop a']);
});

test('a signal while a part is still starting stops the service without waiting for it', async () => {
  const exit = run(part('a'), part('slow', { start: forEver }), part('c'));
  await until(() => seen.length === 1);
  signals.emit('SIGTERM');
  expect(await exit).toBe(0);
  expect(seen).toEqual(['start a', 'stopping', 'stop c', 'stop slow', 'stop a']);
});

describe('a stop that goes wrong', () => {
  test('a part that fails to stop is told of, and does not keep the others from stopping', async () => {
    const exit = run(part('a'), part('b', { stop: () => Promise.reject(new Error('no')) }));
    await until(() => seen.length === 2);
    signals.emit('SIGTERM');
    expect(await exit).toBe(1);
    expect(seen.slice(3)).toEqual(['b: no', 'stop a']);
  });

  test('is given up after 9 seconds, naming the part that hangs', async () => {
    const exit = run(part('a'), part('b', { stop: forEver }));
    await until(() => seen.length === 2);
    signals.emit('SIGTERM');
    await clock.advance(9000);
    expect(await exit).toBe(1);
    expect(seen).toContain('b: stopping took longer than 9 seconds');
  });

  test('is cut short by a second signal at once', async () => {
    const exit = run(part('a', { stop: forEver }));
    await until(() => seen.length === 1);
    signals.emit('SIGTERM');
    await clock.advance(10);
    signals.emit('SIGINT');
    expect(await exit).toBe(130);
  });
});

test('a real process with a part that hangs is gone at its second SIGTERM', async () => {
  const script = `
    import { runDaemon } from ${JSON.stringify(join(process.cwd(), 'src/daemon.ts'))};
    import { systemClock } from ${JSON.stringify(join(process.cwd(), 'src/clock.ts'))};
    const say = (text) => process.stdout.write(text + '\\n');
    const part = { name: 'a', start: () => setInterval(say, 60000, '') && say('started'), stop: () => new Promise(() => {}) };
    process.exit(await runDaemon({ parts: [part], signals: process, clock: systemClock, stopping: () => say('stopping'), stopFailed: () => {} }));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('started'));
  child.kill('SIGTERM');
  await until(() => said.includes('stopping'));
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([130, null]);
});
