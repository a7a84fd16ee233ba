import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import { makeScratch, type Scratch } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let scratch: Scratch;
let server: TestServer;

beforeAll(async () => {
  scratch = await makeScratch();
  // 16: its incremental backups need the threads that compare as well as those that compress
  server = await startServer({ major: 16 });
  await server.query('CREATE TABLE orders AS SELECT generate_series(1, 100000) AS id');
  const installed = join(scratch.path, 'installed');
  await execute(process.execPath, [join(ROOT, 'scripts/build.mjs'), join(installed, 'dist')]);
  for (const name of ['package.json', 'scripts'])
    await cp(join(ROOT, name), join(installed, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
}, 120_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

async function larder(...args: string[]): Promise<string> {
  const { stdout } = await execute(join(scratch.path, 'installed/scripts/larder'), args, {
    cwd: scratch.path,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: server.connection,
      BACKUP_DIR: join(scratch.path, 'backups'),
      LARDER_STATE_DIR: join(scratch.path, 'state'),
    },
  });
  return stdout;
}

test('what is built backs up, verifies and restores, with all its threads and no source file', async () => {
  await larder('backup', '--full');
  await server.query('INSERT INTO orders SELECT generate_series(100001, 110000)');
  expect(await larder('backup')).toMatch(/^backup +incremental_backup_/);
  expect(await larder('verify', 'latest')).toMatch(/^verdict +VERIFIED/m);
  const owner = await chooseInstanceUser();
  const target = join(scratch.path, 'copy');
  await larder('restore', 'latest', '--to-dir', target, ...(owner ? ['--owner', owner.name] : []));
  expect(await readFile(join(target, 'PG_VERSION'), 'utf8')).toBe('16\n');
}, 120_000);
