import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { decodeRun } from '../../../src/scheduler/run-record.ts';
import type { Scratch } from '../../support/backup-runner.ts';
import { makeScratch } from '../../support/backup-runner.ts';
import type { Ended } from '../../support/larder-command.ts';
import { larder, startLarder } from '../../support/larder-command.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';

const PASSWORD = 's3cret-in-url';

let scratch: Scratch;
let server: TestServer;
let environment: Record<string, string>;

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({ major: 18, tcp: true });
  await server.query(
    `CREATE ROLE larder LOGIN REPLICATION PASSWORD '${PASSWORD}'; CREATE ROLE plain LOGIN PASSWORD '${PASSWORD}'`,
  );
  environment = {
    DATABASE_URL: server.urlFor({ user: 'larder', password: PASSWORD }),
    BACKUP_DIR: join(scratch.path, 'backups'),
    LARDER_STATE_DIR: join(scratch.path, 'state'),
  };
  expect(await run(['backup'])).toMatchObject({ code: 0 });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

async function run(args: readonly string[], changes: Record<string, string> = {}): Promise<Ended> {
  const ended = await larder(args, { ...environment, ...changes }, scratch.path);
  expect(ended.stdout + ended.stderr).not.toContain(PASSWORD);
  return ended;
}

/** The last line of stderr under `--json`. */
function errorOf({ stderr }: Ended): unknown {
  return (JSON.parse(stderr.trim().split('\n').at(-1)!) as { error: unknown }).error;
}

describe('arguments that are not understood end with 2', () => {
  test.each([
    [['backup', '--ful'], "unknown option '--ful'", 'Did you mean --full?'],
    [['bakup'], "unknown command 'bakup'", 'Did you mean backup?'],
    [['list', 'a', 'b'], 'too many arguments', ''],
    [['restore'], '--to-dir', ''],
    [['restore', '--to-dir', 'x', '--tablespace', 'fast'], 'Write OID=DIR', ''],
    [['backup', '--cluster', 'postgrse'], 'no cluster "postgrse"', 'Did you mean postgres?'],
  ])('%j', async (args, message, hint) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });

  test('none at all is answered with the help', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Exit codes:');
  });
});

describe('help', () => {
  test.each(['check', 'backup', 'list', 'restore', 'verify', 'config'])(
    'of %s has examples',
    async (command) => {
      const { code, stdout, stderr } = await run([command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`$ larder ${command}`);
    },
  );

  test('and version need no configuration', async () => {
    const { code, stdout, stderr } = await larder(['--version']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

test('a configuration that cannot be used ends with 2, every problem named', async () => {
  const changes = { BACKUP_COMPRESSION: 'lots', LARDER_HTTP_PROT: '1' };
  const { code, stderr } = await run(['list'], changes);
  expect(code).toBe(2);
  expect(stderr).toContain('BACKUP_COMPRESSION');
  expect(stderr).toContain('LARDER_HTTP_PORT');
});

test('the configuration is shown without secrets', async () => {
  expect((await run(['config'])).stdout).toContain('# BACKUP_DIR');
  const { settings } = JSON.parse((await run(['config', '--json'])).stdout) as { settings: unknown[] };
  expect(settings).toContainEqual({ path: 'http.port', value: 9847, origin: 'default' });
});

describe('a server that refuses ends with 3', () => {
  test('a wrong password, which is not shown', async () => {
    const DATABASE_URL = server.urlFor({ user: 'larder', password: 'wr0ng-password' });
    for (const command of ['backup', 'check']) {
      const ended = await run([command, '--json'], { DATABASE_URL });
      expect(ended.code).toBe(3);
      expect(errorOf(ended)).toMatchObject({ code: 'SERVER_REFUSED_LOGIN' });
      expect(ended.stdout + ended.stderr).not.toContain('wr0ng');
    }
  }, 20_000);

  test('a role without REPLICATION, with the SQL that grants it', async () => {
    const DATABASE_URL = server.urlFor({ user: 'plain', password: PASSWORD });
    const { code, stderr } = await run(['backup'], { DATABASE_URL });
    expect(code).toBe(3);
    expect(stderr).toContain('ALTER ROLE "plain" REPLICATION;');
    const check = await run(['check'], { DATABASE_URL });
    expect(check.code).toBe(3);
    expect(check.stdout).toMatch(/^ERROR +role[^\n]*\n +mend: ALTER ROLE "plain" REPLICATION;$/m);
  }, 20_000);

  test('one that is not there; the check of the rest still shows', async () => {
    const { code, stdout } = await run(['check'], {
      DATABASE_URL: 'postgresql://larder@127.0.0.1:1/postgres',
    });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^ERROR +connection/m);
    expect(stdout).toMatch(/^ok +write and read back/m);
  });
});

describe('a repository that cannot serve ends with 4', () => {
  test('a backup that is not in it', async () => {
    for (const args of [
      ['list', 'nope'],
      ['verify', 'nope'],
      ['restore', 'nope', '--to-dir', 'x'],
    ]) {
      const ended = await run([...args, '--json']);
      expect(ended.code).toBe(4);
      expect(errorOf(ended)).toMatchObject({ code: 'BACKUP_UNKNOWN' });
    }
  }, 20_000);

  test('one that belongs to another cluster', async () => {
    await using other = await startServer({ major: 15, tcp: true });
    await other.query(`CREATE ROLE larder LOGIN REPLICATION PASSWORD '${PASSWORD}'`);
    const DATABASE_URL = other.urlFor({ user: 'larder', password: PASSWORD });
    const check = await run(['check', '--json'], { DATABASE_URL });
    expect(check.code).toBe(4);
    expect(errorOf(check)).toMatchObject({ code: 'REPOSITORY_OTHER_CLUSTER' });
    expect((await run(['backup'], { DATABASE_URL })).code).toBe(4);
  }, 60_000);
});

describe('a restore into the wrong place ends with 6 and writes nothing', () => {
  test('a directory that is not empty', async () => {
    const { code, stderr } = await run(['restore', '--to-dir', scratch.path]);
    expect(code).toBe(6);
    expect(stderr).toContain('is not empty');
  });

  test('the directory of a running server', async () => {
    const { code, stderr } = await run(['restore', '--to-dir', server.dataDirectory]);
    expect(code).toBe(6);
    expect(stderr).toContain(`process ${server.processId}`);
  });
});

test('a backup of damaged pages is kept, shown as damaged, never the latest, and ends with 8', async () => {
  await using damaged = await startServer({ major: 18, tcp: true });
  await damaged.query(`CREATE ROLE larder LOGIN REPLICATION PASSWORD '${PASSWORD}'`);
  await damaged.query('CREATE TABLE victim AS SELECT generate_series(1, 10000) AS n');
  await damaged.query('CHECKPOINT');
  const [row] = await damaged.query(`SELECT pg_relation_filepath('victim') AS path`);
  const file = await open(join(damaged.dataDirectory, String(row!['path'])), 'r+');
  await file.write(Buffer.from('damage'), 0, 6, 8192 + 100);
  await file.close();
  const changes = {
    DATABASE_URL: damaged.urlFor({ user: 'larder', password: PASSWORD }),
    BACKUP_DIR: join(scratch.path, 'backups-of-damaged'),
    LARDER_STATE_DIR: join(scratch.path, 'state-of-damaged'),
  };
  const { code, stdout, stderr } = await run(['backup'], changes);
  expect(code).toBe(8);
  expect(stdout).toMatch(/^state +DAMAGED/m);
  expect(stderr).toContain('[SOURCE_CORRUPT]');
  expect((await run(['list'], changes)).stdout).toContain('DAMAGED SOURCE');
  expect((await run(['verify', 'latest'], changes)).code).toBe(4);
}, 60_000);

describe('a signal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends a backup with 130, on record as interrupted',
    async (name) => {
      // accepts, and never says a word
      const silent = createServer().listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const connected = once(silent, 'connection');
      const { port } = silent.address() as AddressInfo;
      const DATABASE_URL = `postgresql://larder@127.0.0.1:${port}/postgres`;
      const { child, ended } = startLarder(
        ['backup', '--json'],
        { ...environment, DATABASE_URL },
        scratch.path,
      );
      await connected;
      child.kill(name);
      const end = await ended;
      silent.close();
      expect(end.code).toBe(130);
      expect(errorOf(end)).toMatchObject({ code: 'INTERRUPTED' });
      const runs = await readFile(join(scratch.path, 'state/runs.jsonl'), 'utf8');
      expect(decodeRun(runs.trim().split('\n').at(-1)!)).toMatchObject({ result: 'interrupted' });
    },
    20_000,
  );
});

test('a reader that goes away early is no error', async () => {
  const { child, ended } = startLarder(['check'], environment, scratch.path);
  child.stdout.destroy();
  const { code, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await until(() => child.exitCode !== null);
});
