import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readProcessIdentity } from '../../../src/process-identity.ts';
import { wrapperCommand, WRAPPER_COPY } from '../../../src/restore/fetch/restore-command.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';

const SCRIPT = fileURLToPath(new URL('../../../scripts/larder-wal-fetch', import.meta.url));
const FILE = '000000010000000000000007';

const self = readProcessIdentity();

let data: TemporaryDirectory;
beforeEach(async () => {
  data = await temporaryDirectory();
  await mkdir(join(data.path, 'pg_wal'));
  await copyFile(SCRIPT, join(data.path, WRAPPER_COPY));
});
afterEach(async () => data[Symbol.asyncDispose]());

/** restore_command as PostgreSQL runs it; `larder` is the program it would start. */
async function fetchFile({ larder = '/bin/false', target = 'pg_wal/RECOVERYXLOG' } = {}) {
  const command = wrapperCommand(larder, ['--timeline=1']).replace('%f', FILE).replace('%p', target);
  const child = spawn('sh', ['-c', command], {
    cwd: data.path,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

const inPlace = (name: string): string => join(data.path, 'pg_wal/larder_fetch', name);

/** A directory that this process, which is alive, seems to serve; or another one. */
async function serve({
  pid = process.pid,
  start = self.processStart,
  boot = self.bootId,
} = {}): Promise<void> {
  await mkdir(join(data.path, 'pg_wal/larder_fetch'));
  await writeFile(inPlace('server'), `${pid} ${start} ${boot}\n`);
}

async function answerWant(name: string, text: string): Promise<void> {
  await until(async () =>
    readFile(inPlace(`${FILE}.want`)).then(
      () => true,
      () => false,
    ),
  );
  await rm(inPlace(`${FILE}.want`));
  await writeFile(inPlace(name), text);
}

describe('restore_command ends', () => {
  test('with 0 when the file lies ready, and has moved it', async () => {
    await serve();
    await writeFile(inPlace(FILE), 'wal');
    expect(await fetchFile()).toEqual({ code: 0, stderr: '' });
    expect(await readFile(join(data.path, 'pg_wal/RECOVERYXLOG'), 'utf8')).toBe('wal');
  });

  test('with 1 only when it was told so after it had asked', async () => {
    await serve();
    // left by an earlier process: not to be believed
    await writeFile(inPlace(`${FILE}.absent`), '');
    const [ended] = await Promise.all([fetchFile(), answerWant(FILE, 'wal')]);
    expect(ended.code).toBe(0);
    const [absent] = await Promise.all([fetchFile(), answerWant(`${FILE}.absent`, '')]);
    expect(absent.code).toBe(1);
  });

  test('with 255 and the reason when the file cannot be given', async () => {
    await serve();
    const [ended] = await Promise.all([fetchFile(), answerWant(`${FILE}.failed`, 'it is damaged\n')]);
    expect(ended).toEqual({ code: 255, stderr: 'it is damaged\n' });
  });

  test('with 255 when nobody can be started who would know', async () => {
    expect((await fetchFile()).code).toBe(255);
    expect((await fetchFile({ larder: '/there/is/no/larder' })).code).toBe(255);
  });

  test('with 255 when the process that serves it has died', async () => {
    await serve({ pid: 999_999_999 });
    expect((await fetchFile()).code).toBe(255);
  });

  test.each([{ start: '1' }, { boot: 'another-life' }])(
    'with 255, and at once, when its number was given to another process: %j',
    async (other) => {
      await serve(other);
      // what it left may be torn
      await writeFile(inPlace(FILE), 'half of it');
      expect((await fetchFile()).code).toBe(255);
    },
  );

  test('with 255 when the script is gone, or the shell cannot carry it out', async () => {
    await serve();
    await writeFile(join(data.path, WRAPPER_COPY), 'if then');
    expect((await fetchFile()).code).toBe(255);
    await rm(join(data.path, WRAPPER_COPY));
    expect((await fetchFile()).code).toBe(255);
  });

  test('with 255 when it cannot ask', async () => {
    await serve();
    await mkdir(inPlace(`${FILE}.want`));
    expect((await fetchFile()).code).toBe(255);
  });

  test('with 255 when the file cannot be put where it belongs', async () => {
    await serve();
    await writeFile(inPlace(FILE), 'wal');
    expect((await fetchFile({ target: 'there/is/no/such/place' })).code).toBe(255);
  });
});
