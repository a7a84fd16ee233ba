import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startBackground, type Background } from '../../bench/background.ts';
import type { Command } from '../../bench/child.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

function script(text: string): Command {
  const signal = new AbortController().signal;
  return { program: process.execPath, args: ['-e', text], user: undefined, signal };
}

/** It tells that it is ready by making a file. */
async function startReady(text: string): Promise<Background> {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'ready');
  const background = startBackground(script(`${text}; require('fs').writeFileSync('${file}', '')`));
  await until(() => existsSync(file));
  return background;
}

test('a program is stopped, and what it took is known', async () => {
  const hold = `const held = Buffer.alloc(150 * 2 ** 20, 1); setTimeout(() => held.length, 60_000)`;
  const background = await startReady(hold);
  await background.assertRunning();
  const { peakBytes, cpuSeconds } = await background.stop();
  expect(peakBytes).toBeGreaterThan(150 * 2 ** 20);
  expect(cpuSeconds).toBeGreaterThan(0);
});

test('one that ends by itself is told with its last words, whenever it is asked for', async () => {
  const background = startBackground(script(`console.error('no such slot'); process.exitCode = 3;`));
  const said = /ended with 3:\nno such slot/;
  const asked = until(async () => background.assertRunning().then(() => false));
  await expect(asked).rejects.toThrow(said);
  await expect(background.stop()).rejects.toThrow(said);
});

test('a program that fails when it is told to stop is a failure', async () => {
  const text = `process.once('SIGTERM', () => process.exit(4)); setTimeout(() => 0, 60_000)`;
  const background = await startReady(text);
  await expect(background.stop()).rejects.toThrow('ended with 4');
});
