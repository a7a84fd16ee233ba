import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Scratch } from '../support/backup-runner.ts';
import { backUp, makeScratch, repositoryAt, restoreAndStart, verify } from '../support/backup-runner.ts';
import type { TestServer } from '../support/postgres-server.ts';
import { startServer } from '../support/postgres-server.ts';

let scratch: Scratch;
let server: TestServer;

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({ major: 17, settings: { max_wal_size: '256MB', fsync: 'off' } });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

test('a relation of more than a gigabyte, which lies in two files, comes back whole', async () => {
  await server.query(`CREATE TABLE large (id int, filler text);
    ALTER TABLE large ALTER filler SET STORAGE PLAIN`);
  await server.query(
    `INSERT INTO large SELECT g, repeat(md5(g::text), 240) FROM generate_series(1, 145000) g`,
  );
  const [row] = await server.query(
    `SELECT pg_relation_filepath('large') AS path, pg_relation_size('large')::text AS size`,
  );
  expect(Number(row!['size'])).toBeGreaterThan(1.1e9);
  expect(existsSync(join(server.dataDirectory, `${String(row!['path'])}.1`))).toBe(true);
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const backup = await backUp(repository, server.connection);
  expect((await verify(repository, backup)).findings).toEqual([]);
  await using copy = await restoreAndStart(repository, backup);
  const content = 'SELECT count(*), sum(hashtextextended(filler, id))::text AS hash FROM large';
  expect(await copy.query(content)).toEqual(await server.query(content));
}, 300_000);
