import { expect, test } from '@jest/globals';
import { run, type Command } from '../../bench/child.ts';
import { measure } from '../../bench/measure.ts';

const BURN = `while (process.cpuUsage().user < 400_000) for (let n = 0; n < 1e6; n++);`;
const HOLD = `const held = Buffer.alloc(150 * 2 ** 20, 1); setTimeout(() => held.length, 1000);`;

function command(program: string, ...args: string[]): Command {
  return { program, args, user: undefined, signal: new AbortController().signal };
}

function twice(script: string): Command {
  return command('/bin/sh', '-c', '"$1" -e "$2" & "$1" -e "$2"; wait', 'sh', process.execPath, script);
}

test('the CPU time is that of the program and of the processes it started and waited for', async () => {
  const { cpuSeconds, serverCpuSeconds, wallSeconds } = await measure(twice(BURN));
  expect(cpuSeconds).toBeGreaterThan(0.8);
  expect(cpuSeconds).toBeLessThanOrEqual(2 * wallSeconds + 0.1);
  expect(serverCpuSeconds).toBe(0);
});

test('the peak of one process is its own high-water mark', async () => {
  const { peakBytes } = await measure(
    command(
      process.execPath,
      '--expose-gc',
      '-e',
      `(() => { Buffer.alloc(150 * 2 ** 20, 1); })(); gc(); setTimeout(() => 0, 500);`,
    ),
  );
  expect(peakBytes).toBeGreaterThan(150 * 2 ** 20);
});

test('the peak of several processes is what they hold at the same time', async () => {
  const { peakBytes } = await measure(twice(HOLD));
  expect(peakBytes).toBeGreaterThan(300 * 2 ** 20);
});

test('the CPU time of a server includes the sessions that ended with the program', async () => {
  // a parent that waits for its children, as a postmaster does; the program is such a child's reason to end
  const { spawn } = await import('node:child_process');
  const server = spawn('/bin/sh', [
    '-c',
    'sleep 0.2; "$1" -e "$2"; exec sleep 60',
    'sh',
    process.execPath,
    BURN,
  ]);
  const sleeping = new Promise((resolve) => server.once('exit', resolve));
  try {
    const { serverCpuSeconds } = await measure(command('/bin/sleep', '0.6'), server.pid);
    // counted in ticks of 10 ms, in two parts
    expect(serverCpuSeconds).toBeGreaterThan(0.37);
  } finally {
    server.kill('SIGKILL');
    await sleeping;
  }
});

test('a program that fails is told with its last words', async () => {
  const failing = command('/bin/sh', '-c', 'echo cannot go on >&2; exit 3');
  await expect(measure(failing)).rejects.toThrow('/bin/sh -c ended with 3:\ncannot go on');
  await expect(run(failing)).rejects.toThrow('cannot go on');
});

test('a program that is not there is an error', async () => {
  await expect(measure(command('/nowhere/program'))).rejects.toThrow('ENOENT');
});

test('an abort ends the program and gives its reason', async () => {
  const controller = new AbortController();
  const measured = measure({ ...command('/bin/sleep', '60'), signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(measured).rejects.toThrow('enough');
});
