import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually, startLarder } from '../../support/larder-process.ts';
import type { LarderProcess } from '../../support/larder-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import type { TemporaryDirectory } from '../../support/temporary-directory.ts';

let checkout: TemporaryDirectory;

beforeEach(async () => {
  checkout = await temporaryDirectory();
  await chmod(checkout.path, 0o711);
});
afterEach(async () => {
  await checkout[Symbol.asyncDispose]();
});

const start = () =>
  startLarder(['start'], { cwd: checkout.path, env: { npm_lifecycle_event: 'start', PGHOST: 'elsewhere' } });
const said = (run: LarderProcess, text: string) =>
  eventually(
    () => Promise.resolve(run.stderr()),
    (words) => words.includes(text),
    60,
  );
async function list() {
  await using run = startLarder(['list', '--json'], {
    cwd: checkout.path,
    env: { LARDER_CONFIG: 'larder-data/larder.yaml' },
  });
  expect(await run.exit).toBe(0);
  return (JSON.parse(run.stdout()) as { backups: { id: string }[] }).backups.map(({ id }) => id);
}
/** What is not looked at yet is not ok, so the first moments are not. */
const isOk = (run: LarderProcess) =>
  eventually(
    async () => {
      const response = await fetch(/health +(http:\S+)/.exec(run.stderr())?.[1] ?? '');
      return (await response.json()) as { status: string };
    },
    ({ status }) => status === 'ok',
  );
async function stop(run: LarderProcess) {
  const began = performance.now();
  run.signal('SIGINT');
  expect(await run.exit).toBe(0);
  expect(performance.now() - began).toBeLessThan(10_000);
}

test('without a server it starts one of its own, takes the first backup, and a second start goes on with both', async () => {
  await using first = start();
  await said(first, 'Try next');
  expect(first.stdout()).toBe('');
  await isOk(first);
  expect(first.stderr()).toContain('LARDER_CONFIG=larder-data/larder.yaml npm run -s larder -- list');
  const backups = await list();
  expect(backups).toHaveLength(1);
  await stop(first);
  expect(await readFile(join(checkout.path, 'larder-data/larder.log'), 'utf8')).toContain('"run succeeded"');
  expect(await readdir(join(checkout.path, 'larder-data/postgres/data'))).not.toContain('postmaster.pid');

  await using second = start();
  await said(second, 'Try next');
  await isOk(second);
  expect(await list()).toEqual(backups);

  // somebody else's start meanwhile must not take the cluster away
  await using third = start();
  expect(await third.exit).toBe(6);
  expect(third.stderr()).toContain('is open in another process');
  await stop(second);
}, 180_000);
