import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  backUp,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  type Scratch,
} from '../../support/backup-runner.ts';
import { startServer } from '../../support/postgres-server.ts';
import { giveToServer } from '../../support/varied-cluster.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

test('a server on a copy runs on the copy, though the configuration in it names the original', async () => {
  await using server = await startServer({ major: 18 });
  const configuration = join(server.dataDirectory, 'postgresql.conf');
  await mkdir(join(server.dataDirectory, 'conf.d'));
  await writeFile(
    join(server.dataDirectory, 'conf.d/own.conf'),
    `data_directory = '${server.dataDirectory}'\nwork_mem = '7MB'\n`,
  );
  await giveToServer(join(server.dataDirectory, 'conf.d'));
  await giveToServer(join(server.dataDirectory, 'conf.d/own.conf'));
  await appendFile(configuration, `include_dir 'conf.d'\n`);
  const pidFile = join(scratch.path, 'original.pid');
  await server.query(`ALTER SYSTEM SET external_pid_file = '${pidFile}'`);
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const backup = await backUp(repository, server.connection);
  await server.halt();
  await using copy = await restoreAndStart(repository, backup, { port: 6543 });
  expect(await copy.query('SHOW data_directory')).toEqual([{ data_directory: copy.home.dataDirectory }]);
  expect(await copy.query('SHOW external_pid_file')).toEqual([{ external_pid_file: '' }]);
  const file = await readFile(join(copy.home.dataDirectory, 'postgresql.auto.conf'), 'utf8');
  expect(file).toMatch(/^port = 6543 /m);
  expect(await copy.query('SHOW work_mem')).toEqual([{ work_mem: '7MB' }]);
}, 60_000);
