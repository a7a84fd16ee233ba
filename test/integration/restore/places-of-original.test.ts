import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  backUp,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  type Scratch,
} from '../../support/backup-runner.ts';
import { startServer } from '../../support/postgres-server.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

test('a server on a copy runs on the copy, though the configuration in it names the original', async () => {
  await using server = await startServer({ major: 18 });
  const configuration = join(server.dataDirectory, 'postgresql.conf');
  await appendFile(configuration, `data_directory = '${server.dataDirectory}'\nwork_mem = '7MB'\n`);
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const backup = await backUp(repository, server.connection);
  await server.halt();
  await using copy = await restoreAndStart(repository, backup);
  expect(await copy.query('SHOW data_directory')).toEqual([{ data_directory: copy.home.dataDirectory }]);
  expect(await copy.query('SHOW work_mem')).toEqual([{ work_mem: '7MB' }]);
}, 60_000);
