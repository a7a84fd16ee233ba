import { chmod, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually, startLarder } from '../../support/larder-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import type { TemporaryDirectory } from '../../support/temporary-directory.ts';

let scratch: TemporaryDirectory;

beforeEach(async () => {
  scratch = await temporaryDirectory();
  // as /tmp: everybody may pass
  await chmod(scratch.path, 0o711);
});
afterEach(async () => {
  await scratch[Symbol.asyncDispose]();
});

const demo = () =>
  startLarder(['demo', '--scale', '0.002'], { cwd: scratch.path, env: { TMPDIR: scratch.path } });

test('the demonstration backs up, restores, compares everything, and leaves nothing behind', async () => {
  await using run = demo();
  expect(await run.exit).toBe(0);
  expect(run.stdout()).toMatch(/\d+ tables in \d databases with [\d,]+ rows: all the same/);
  expect(run.stdout()).toContain('Everything came back');
  expect(await readdir(scratch.path)).toEqual([]);
}, 90_000);

test('after Ctrl-C it ends with exit code 130 and leaves nothing behind', async () => {
  await using run = demo();
  await eventually(
    () => Promise.resolve(run.stdout()),
    (said) => said.includes('2. A full backup'),
  );
  run.signal('SIGINT');
  expect(await run.exit).toBe(130);
  expect(run.stderr()).toContain('stopped by SIGINT');
  expect(await readdir(scratch.path)).toEqual([]);
}, 60_000);

test('a scale that is none is refused with exit code 2', async () => {
  await using run = startLarder(['demo', '--scale', 'big'], { cwd: scratch.path, env: {} });
  expect(await run.exit).toBe(2);
});
