import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountTest } from '../../support/able-to.ts';
import { findBackup, readCatalogue } from '../../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  objectsOf,
  repositoryAt,
  restoreAndStart,
  verify,
} from '../../support/backup-runner.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { mountReadOnly, mountSmall } from '../../support/small-filesystem.ts';
import { startProxy } from '../../support/tcp-proxy.ts';

let scratch: Scratch;
let server: TestServer;

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({ major: 16 });
  await server.query('CREATE TABLE kept AS SELECT 42 AS answer');
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

function at(name: string): TestRepository {
  return repositoryAt(join(scratch.path, name));
}

async function expectRestores(repository: TestRepository, backup: CommitRecord): Promise<void> {
  expect((await verify(repository, backup)).findings).toEqual([]);
  await using copy = await restoreAndStart(repository, backup);
  expect(await copy.query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
}

describe('a repository that is full', () => {
  mountTest(
    'is named; earlier backups restore, and the next run succeeds once there is room',
    async () => {
      const directory = join(scratch.path, 'full');
      await using mount = await mountSmall(directory, 12);
      if (mount === undefined) return; // only root may mount
      const repository = repositoryAt(join(directory, 'backups'));
      const first = await backUp(repository, server.connection);
      const before = await objectsOf(repository);
      await server.query(`CREATE TABLE filling AS SELECT string_agg(md5(random()::text), '') AS text
      FROM generate_series(1, 800000) g GROUP BY g % 1000`);
      const error = await failureOf(backUp(repository, server.connection));
      expect(error).toMatchObject({ code: 'REPOSITORY_FULL', retryable: true });
      expect(error.message).toContain(join(directory, 'backups'));
      expect(error.message).toMatch(/ENOSPC.*; \d+ bytes are free there/);
      expect(error.hint).toContain('make room in');
      expect(await objectsOf(repository)).toEqual(before);
      await expectRestores(repository, first);
      await server.query('DROP TABLE filling; CHECKPOINT');
      await expectRestores(repository, await backUp(repository, server.connection));
    },
    90_000,
  );

  mountTest(
    'to its last byte, by others, takes the next backup as soon as there is room',
    async () => {
      const directory = join(scratch.path, 'brimful');
      await using mount = await mountSmall(directory, 40);
      if (mount === undefined) return;
      const repository = repositoryAt(join(directory, 'backups'));
      const first = await backUp(repository, server.connection);
      const ballast = join(directory, 'ballast');
      await writeFile(ballast, Buffer.alloc(40 * 1024 ** 2)).catch(() => undefined);
      expect(await failureOf(backUp(repository, server.connection))).toMatchObject({
        code: 'REPOSITORY_FULL',
      });
      await rm(ballast);
      await expectRestores(repository, first);
      expect((await backUp(repository, server.connection)).state).toBe('complete');
    },
    90_000,
  );
});

describe('a repository that cannot be written', () => {
  test('because its path leads through a file', async () => {
    await writeFile(join(scratch.path, 'file'), '');
    const error = await failureOf(backUp(at('file/backups'), server.connection));
    expect(error.message).toContain(join(scratch.path, 'file/backups'));
    expect(error.code).toBe('REPOSITORY_UNREACHABLE');
    expect(error.hint).toBeTruthy();
  });

  mountTest(
    'because its mount is read-only is told of, and its backups still restore',
    async () => {
      const backup = await backUp(at('writable'), server.connection);
      await using mount = await mountReadOnly(
        join(scratch.path, 'writable'),
        join(scratch.path, 'read-only'),
      );
      if (mount === undefined) return;
      const error = await failureOf(backUp(at('read-only'), server.connection));
      expect(error).toMatchObject({ code: 'REPOSITORY_NOT_WRITABLE', retryable: false });
      expect(error.message).toContain(join(scratch.path, 'read-only'));
      expect(error.hint).toContain('writable mount');
      await expectRestores(at('read-only'), await findBackup(at('read-only').store, backup.id));
    },
    60_000,
  );
});

describe('a directory that is not this cluster’s repository', () => {
  test('but another cluster’s is refused and left as it was', async () => {
    await using other = await startServer({ major: 17 });
    const repository = at('theirs');
    const backup = await backUp(repository, other.connection);
    const before = await objectsOf(repository);
    const error = await failureOf(backUp(repository, server.connection));
    expect(error).toMatchObject({ code: 'REPOSITORY_OTHER_CLUSTER', retryable: false });
    expect(error.message).toMatch(/belongs to another cluster \(PostgreSQL 17, system \d+\)/);
    expect(error.hint).toContain('pg_upgrade');
    expect(await objectsOf(repository)).toEqual(before);
    expect((await verify(repository, backup)).findings).toEqual([]);
  }, 60_000);

  test.each([
    [
      'full of somebody’s files',
      'notes.txt',
      'mine',
      /^REPOSITORY_DAMAGED: .* holds notes.txt but no repository.json/,
    ],
    [
      'of a newer format',
      'repository.json',
      '{"formatVersion":3}',
      /^REPOSITORY_NEWER_FORMAT: .* has format 3/,
    ],
    [
      'with a record that is no JSON',
      'repository.json',
      '{"id":',
      /^REPOSITORY_DAMAGED: .* is not a JSON object/,
    ],
    [
      'with half a record',
      'repository.json',
      '{"formatVersion":1}',
      /^REPOSITORY_DAMAGED: .* cannot be read/,
    ],
  ])('but %s is refused and left as it was', async (kind, name, content, said) => {
    const repository = at(`strange ${kind}`);
    const { directory } = repository.location;
    await mkdir(directory);
    await writeFile(join(directory, name), content);
    const error = await failureOf(backUp(repository, server.connection));
    expect(`${error.code}: ${error.message}`).toMatch(said);
    expect(error.message).toContain(directory);
    expect(error.hint).toBeTruthy();
    expect(await objectsOf(repository)).toEqual([name]);
    expect(await readFile(join(directory, name), 'utf8')).toBe(content);
  });
});

test('while one backup runs a second is told who holds the repository', async () => {
  const repository = at('held');
  const target = join(server.socketDirectory, '.s.PGSQL.5432');
  await using proxy = await startProxy({ target, fault: 'hold', afterBytes: 4_000_000 });
  const url = `postgresql://postgres@127.0.0.1:${proxy.port}/postgres?sslmode=disable`;
  const first = backUp(repository, url);
  await proxy.struck;
  const error = await failureOf(backUp(repository, server.connection));
  expect(error).toMatchObject({ code: 'LEASE_HELD', retryable: true });
  expect(error.message).toContain(`is held by a backup (process ${process.pid} on `);
  expect(error.hint).toContain('wait for it to end');
  proxy.release();
  const backup = await first;
  expect((await verify(repository, backup)).findings).toEqual([]);
  expect((await backUp(repository, server.connection)).id).not.toBe(backup.id);
}, 60_000);

test('a second backup waits for the first when it is given time', async () => {
  const repository = at('waiting');
  const both = await Promise.all(
    [0, 1].map(() => backUp(repository, server.connection, { leaseWait: 30_000 })),
  );
  expect(new Set(both.map(({ id }) => id)).size).toBe(2);
  const { backups, unreadable } = await readCatalogue(repository.store);
  expect(backups).toHaveLength(2);
  expect(unreadable).toEqual([]);
}, 60_000);
