import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { loadConfig } from '../../src/config/load.ts';
import { printConfig } from '../../src/config/print.ts';
import { readFileWithMode } from '../../src/config/read-file.ts';
import { makeConfigDirectory, type ConfigDirectory } from '../support/config-directory.ts';

const login = { address: { host: 'db', port: 5432 }, replication: false };
const url = 'postgresql://larder:hunter2@db/truck';
let place: ConfigDirectory;

beforeEach(async () => {
  place = await makeConfigDirectory();
});
afterEach(() => place.remove());

const load: ConfigDirectory['load'] = (environment) => place.load(environment);
const failure: ConfigDirectory['failure'] = (environment) => place.failure(environment);
const write: ConfigDirectory['write'] = (...file) => place.write(...file);
const yaml: ConfigDirectory['yaml'] = (text) => place.yaml(text);

describe('secrets', () => {
  test('in files beat plain ones, and a password file is read at each login', async () => {
    const password = await write('password', 'first\n');
    const config = await load({
      DATABASE_URL: 'postgresql://nobody@nowhere/none',
      DATABASE_URL_FILE: await write('url', `${url}\n`),
      DATABASE_PASSWORD: 'plain',
      DATABASE_PASSWORD_FILE: password,
    });
    const connection = config.clusters[0]!.connection;
    expect(config.clusters[0]!.name).toBe('truck');
    expect(connection.user).toBe('larder');
    expect(await connection.password(login)).toBe('first');
    await write('password', 'second\n');
    expect(await connection.password(login)).toBe('second');
  });

  test('come from the connection when nothing else gives one', async () => {
    const config = await load({ DATABASE_URL: url });
    expect(await config.clusters[0]!.connection.password(login)).toBe('hunter2');
    const plain = await load({ DATABASE_URL: url, DATABASE_PASSWORD: 'plain' });
    expect(await plain.clusters[0]!.connection.password(login)).toBe('plain');
  });

  test('in a file that others may read are refused', async () => {
    const path = await write('password', 'x', 0o640);
    const error = await failure({ DATABASE_URL: url, DATABASE_PASSWORD_FILE: path });
    expect(error.message).toContain(`can be read by its group or by others (mode 640): chmod 600 ${path}`);
    expect(error.message).toContain('DATABASE_PASSWORD_FILE');
  });

  test.each([
    ['/run/secrets/password', 0o444],
    ['/run/credentials/larder.service/password', 0o440],
  ])('at %s may have any mode, as Docker and systemd put them there', async (secret, mode) => {
    const config = await loadConfig({
      environment: { DATABASE_URL: url, DATABASE_PASSWORD_FILE: secret },
      workingDirectory: place.path,
      readFile: (path) => (path === secret ? Promise.resolve({ text: 'x', mode }) : readFileWithMode(path)),
    });
    expect(await config.clusters[0]!.connection.password(login)).toBe('x');
  });

  test('in a missing or empty file are told by the variable’s name', async () => {
    const missing = await failure({ DATABASE_URL_FILE: '/nowhere/url' });
    expect(missing.message).toContain('DATABASE_URL_FILE: /nowhere/url cannot be read (ENOENT)');
    const empty = await failure({ DATABASE_URL: url, DATABASE_PASSWORD_FILE: await write('empty', '\n') });
    expect(empty.message).toContain('is empty');
  });

  test('never show in the configuration, its print, or a refusal', async () => {
    await yaml(`clusters: { truck: { connection: "${url}", password: hunter2 } }`);
    const config = await load({});
    for (const text of [inspect(config, { depth: 9 }), JSON.stringify(config), printConfig(config)]) {
      expect(text).not.toContain('hunter2');
    }
    const refusals = [
      await failure({ DATABASE_URL: 'postgresql://u:hunter2@db:x/truck' }),
      await failure({ DATABASE_URL: "user=u password='hunter2" }),
      await failure({ DATABASE_URL: url, LARDER_HTTP_PORT: 'x' }),
    ];
    for (const error of refusals) expect(inspect(error)).not.toContain('hunter2');
  });

  test('never show in a refusal of broken YAML', async () => {
    await yaml('clusters:\n  truck: { password: hunter2, password: hunter2 }\n a: "hunter2\n');
    const error = await failure({});
    expect(error.message).toContain('config/larder.yaml, line 2, column');
    expect(inspect(error)).not.toContain('hunter2');
  });
});
