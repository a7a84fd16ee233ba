import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { findBackup } from '../../../src/repository/catalogue.ts';
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

const PAGE = 8192;
let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;
let good: CommitRecord;

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({ major: 18, checksums: true, settings: { autovacuum: 'off' } });
  const table = (name: string) =>
    `CREATE TABLE ${name} AS SELECT g, md5(g::text) AS h FROM generate_series(1, 2000) g;`;
  const many = Array.from({ length: 25 }, (_, i) => table(`many_${i}`)).join('');
  await server.query(
    `${table('one')}${table('six')}${many} CREATE TABLE whole AS SELECT 42 AS answer; CHECKPOINT`,
  );
  good = await backUp(repository, server.connection);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

async function filesOf(tables: string[]): Promise<string[]> {
  const rows = await server.query(
    `SELECT pg_relation_filepath(t) AS path FROM unnest('{${tables.join()}}'::regclass[]) AS t`,
  );
  return rows.map(({ path }) => join(server.dataDirectory, String(path)));
}

/** Turns over some bytes in the first pages of each table, and back again after the work. */
async function withDamage<T>(tables: string[], pages: number, work: () => Promise<T>): Promise<T> {
  const files = await filesOf(tables);
  const turn = async () => {
    await server.halt();
    for (const file of files) {
      for (let page = 0; page < pages; page++) await invert(file, page * PAGE + 5000, 20);
    }
    await server.restart();
  };
  await turn();
  try {
    return await work();
  } finally {
    await turn();
  }
}

async function invert(path: string, offset: number, length: number): Promise<void> {
  const file = await open(path, 'r+');
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, offset);
  await file.write(
    bytes.map((byte) => byte ^ 0xff),
    0,
    length,
    offset,
  );
  await file.close();
}

describe('damaged pages of the server', () => {
  test.each([
    ['one page', ['one'], 1, 1],
    // five pages of a file, then that there are more, and the sums of the file and of all
    ['six pages', ['six'], 6, 8],
    ['more pages than warnings are kept', Array.from({ length: 25 }, (_, i) => `many_${i}`), 6, 100],
  ])(
    '(%s) are told of: the backup is kept and does not count',
    async (_, tables, pages, warnings) => {
      const backup = await withDamage(tables, pages, () => backUp(repository, server.connection));
      expect(backup.state).toBe('corrupt_source');
      expect(backup.warnings.filter((text) => text.startsWith('WARNING'))).toHaveLength(warnings);
      expect(backup.warnings.filter((text) => text.startsWith('ERROR'))).toEqual([
        'ERROR: checksum verification failure during base backup',
      ]);
      expect((await findBackup(repository.store, 'latest')).id).toBe(good.id);
      expect((await findBackup(repository.store, backup.id)).id).toBe(backup.id);
      const { findings } = await verify(repository, backup);
      expect(findings).toHaveLength(1);
      expect(findings[0]).toMatchObject({ code: 'SOURCE_CORRUPT' });
      expect(findings[0]!.message).toContain('checksum verification failure');
    },
    60_000,
  );

  test('do not keep what is whole from being restored, nor the next backup from being good', async () => {
    const backup = await withDamage(['one'], 1, () => backUp(repository, server.connection));
    await using copy = await restoreAndStart(repository, backup);
    expect(await copy.query('SELECT answer FROM whole')).toEqual([{ answer: 42 }]);
    const next = await backUp(repository, server.connection);
    expect(next.state).toBe('complete');
    expect((await findBackup(repository.store, 'latest')).id).toBe(next.id);
  }, 60_000);
});

test('a file that the server itself may not read ends the backup, named', async () => {
  const before = await objectsOf(repository);
  const [path] = await filesOf(['whole']);
  await chmod(path!, 0);
  const error = await failureOf(backUp(repository, server.connection));
  await chmod(path!, 0o600);
  expect(error.code).toBe('SERVER_ERROR');
  expect(error.message).toMatch(/could not open file ".*base\/\d+\/\d+": Permission denied/);
  expect(error.hint).toContain('the user it runs as');
  expect(await objectsOf(repository)).toEqual(before);
  expect((await backUp(repository, server.connection)).state).toBe('complete');
}, 60_000);
