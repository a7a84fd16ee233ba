import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { configureDemo, demoEnvironment } from '../../src/demo/demo-settings.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('the settings that are written are the ones in force, whatever characters the path holds', async () => {
  await using temporary = await temporaryDirectory();
  const directory = join(temporary.path, 'a "quoted": # dir');
  await mkdir(directory);
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, 'secret', { mode: 0o600 });
  const { config } = await configureDemo(
    {
      directory,
      cluster: { connection: 'postgresql://larder@127.0.0.1:4711/truck', passwordFile },
      http: { host: '127.0.0.1', port: 9999 },
    },
    { BACKUP_DIR: '/elsewhere', DATABASE_URL: 'postgresql://other@db/other', LARDER_LOG_LEVEL: 'warn' },
  );
  expect(config).toMatchObject({
    clusters: [
      {
        name: 'truck',
        connection: { hosts: [{ host: '127.0.0.1', port: 4711 }], user: 'larder', tls: { mode: 'disable' } },
        repositoryPath: join(directory, 'backups'),
      },
    ],
    http: { port: 9999 },
    stateDirectory: join(directory, 'state'),
    logLevel: 'warn',
  });
});

test('what the environment says of another server or another place has no part in the demonstration', () => {
  const environment = {
    PGHOST: 'db',
    BACKUP_DIR: '/b',
    LARDER_STATE_DIR: '/s',
    LARDER_HTTP_PORT: '1',
    HOME: '/h',
  };
  expect(demoEnvironment(environment)).toEqual({ LARDER_HTTP_PORT: '1' });
});
