import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  objectsOf,
  repositoryAt,
  restoreAndStart,
} from '../../support/backup-runner.ts';
import { expectSameContents } from '../../support/comparison.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import type { TcpProxy } from '../../support/tcp-proxy.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { giveToServer } from '../../support/varied-cluster.ts';

const run = promisify(execFile);
let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  // one seat more than needed: the server notices late that a broken connection is gone
  server = await startServer({ major: 17, tcp: true, settings: { max_wal_senders: '2' } });
  await server.query(`CREATE ROLE larder LOGIN REPLICATION PASSWORD 'pa55'; CREATE ROLE plain LOGIN PASSWORD 'pa55';
    CREATE TABLE orders AS SELECT g AS id, md5(g::text) AS note FROM generate_series(1, 50000) g`);
  await backUp(repository, url('larder'));
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

function url(user: string, query = ''): string {
  return `postgresql://${user}:pa55@127.0.0.1:${server.port}/postgres${query}`;
}

function through(proxy: TcpProxy): string {
  return url('larder', '?sslmode=disable').replace(`:${server.port}`, `:${proxy.port}`);
}

/** Nothing of the failed run counts, and the next one needs no help. */
async function expectNextSucceeds(before: readonly string[]): Promise<void> {
  expect(await objectsOf(repository)).toEqual(before);
  expect((await backUp(repository, url('larder'))).state).toBe('complete');
}

describe('a backup over TCP', () => {
  test('logs in with a SCRAM password and restores', async () => {
    const backup = await backUp(repository, url('larder'));
    await using copy = await restoreAndStart(repository, backup);
    await expectSameContents(server.connection, copy.connection);
  }, 60_000);

  test('is taken over TLS, and restores', async () => {
    for (const name of ['server.key', 'server.crt']) {
      if (name === 'server.key') await makeCertificate(scratch.path);
      const target = join(server.dataDirectory, name);
      await copyFile(join(scratch.path, name), target);
      await chmod(target, 0o600);
      await giveToServer(target);
    }
    await server.query('ALTER SYSTEM SET ssl = on');
    await server.query('SELECT pg_reload_conf(), pg_sleep(0.2)');
    const root = join(scratch.path, 'server.crt');
    const backup = await backUp(repository, url('larder', `?sslmode=verify-ca&sslrootcert=${root}`));
    await using copy = await restoreAndStart(repository, backup);
    await expectSameContents(server.connection, copy.connection);
  }, 60_000);
});

describe('a login that fails', () => {
  test.each([
    [
      'nobody listens',
      (base: string) => base.replace(/:\d+\//, ':1/'),
      'SERVER_UNREACHABLE',
      'Check that the server runs',
    ],
    [
      'of a wrong password',
      (base: string) => base.replace('pa55', 'wr0ng'),
      'SERVER_REFUSED_LOGIN',
      'Check the password',
    ],
    [
      'of a role without REPLICATION',
      (base: string) => base.replace('larder', 'plain'),
      'SERVER_NOT_PRIVILEGED',
      'ALTER ROLE "plain" REPLICATION;',
    ],
  ])(
    'because %s says so and leaves nothing',
    async (_, change, code, hint) => {
      const before = await objectsOf(repository);
      const error = await failureOf(backUp(repository, change(url('larder'))));
      expect(error.code).toBe(code);
      expect(error.hint).toContain(hint);
      expect(error.message + String(error.hint)).not.toMatch(/wr0ng|pa55/);
      await expectNextSucceeds(before);
    },
    60_000,
  );
});

test('a server whose seats are all taken says so, and has one again once a backup ended', async () => {
  await using proxy = await startProxy({ target: server.port, fault: 'hold', afterBytes: 4_000_000 });
  const [first, second] = ['one', 'two'].map((name) =>
    backUp(repositoryAt(join(scratch.path, name)), through(proxy)),
  );
  await until(async () => {
    const [row] = await server.query('SELECT count(*)::int AS taken FROM pg_stat_replication');
    return row!['taken'] === 2;
  });
  const before = await objectsOf(repository);
  const error = await failureOf(backUp(repository, url('larder')));
  expect(error).toMatchObject({ code: 'SERVER_NO_SEAT', retryable: true });
  expect(error.hint).toContain('raise max_wal_senders');
  proxy.release();
  await Promise.all([first, second]);
  await expectNextSucceeds(before);
}, 60_000);

describe('a connection that', () => {
  test.each([
    ['ends in order', 'close'],
    ['is reset', 'reset'],
  ] as const)(
    '%s mid-stream ends the backup with CONNECTION_LOST',
    async (_, fault) => {
      const before = await objectsOf(repository);
      await using proxy = await startProxy({ target: server.port, fault, afterBytes: 5_000_000 });
      const error = await failureOf(backUp(repository, through(proxy)));
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
      expect(error.hint).toContain("The server's log tells why");
      await expectNextSucceeds(before);
    },
    60_000,
  );

  // nothing on the network tells a silent server from a busy one: the run's own time limit is what ends this
  test.each([
    ['in the login', 10],
    ['behind the login', 800],
    ['mid-stream', 5_000_000],
  ])(
    'goes silent %s is let go as soon as the run is',
    async (_, afterBytes) => {
      const before = await objectsOf(repository);
      await using proxy = await startProxy({ target: server.port, fault: 'silence', afterBytes });
      const reason = new Error('time is up');
      const abort = new AbortController();
      const backup = backUp(repository, through(proxy), { signal: abort.signal });
      await proxy.struck;
      setTimeout(() => abort.abort(reason), 300);
      const began = performance.now();
      await expect(backup).rejects.toBe(reason);
      expect(performance.now() - began).toBeLessThan(3_500);
      await proxy[Symbol.asyncDispose]();
      await expectNextSucceeds(before);
    },
    30_000,
  );
});

describe('a server that is shut down', () => {
  test.each([
    ['fast', 'SIGINT'],
    ['immediately', 'SIGQUIT'],
  ] as const)(
    '%s in the middle ends the backup with CONNECTION_LOST',
    async (_, signal) => {
      const before = await objectsOf(repository);
      await using proxy = await startProxy({ target: server.port, fault: 'hold', afterBytes: 4_000_000 });
      const failed = failureOf(backUp(repository, through(proxy)));
      await proxy.struck;
      process.kill(server.processId, signal);
      setTimeout(() => proxy.release(), 200);
      const error = await failed;
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
      await server.halt();
      await server.restart();
      await expectNextSucceeds(before);
    },
    60_000,
  );
});

async function makeCertificate(directory: string): Promise<void> {
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=db.example'],
    ...['-keyout', join(directory, 'server.key'), '-out', join(directory, 'server.crt')],
  ]);
}
