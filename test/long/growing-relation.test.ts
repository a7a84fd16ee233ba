import { describe, expect, test } from '@jest/globals';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openInstanceSession } from '../../src/postgres/server/instance-session.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { backUp, makeScratch, repositoryAt, restoreAndStart, verify } from '../support/backup-runner.ts';
import { startServer, type TestServer } from '../support/postgres-server.ts';
import { ofType } from '../support/storm/chain.ts';
import { LEDGER_SCHEMA } from '../support/storm/ledger.ts';
import { physicalFindings } from '../support/storm/physical-checks.ts';

/** Of everything behind the first backup. */
const LINK_TYPE: CommitRecord['type'] = 'full';
const GIGABYTE = 1024 ** 3;

/** A row a page: what is inserted makes new pages, what is deleted changes one. */
const INSERT = (count: number) => `INSERT INTO large
  SELECT last + g, repeat(md5((last + g)::text), 240)
  FROM generate_series(1, ${count}) AS g, (SELECT coalesce(max(id), 0) AS last FROM large) AS highest`;

/** What is done before each link, and whether the table then has a second file with something in it. */
const STEPS = [
  { what: 'within one file', statements: [INSERT(110_000)], isSplit: false },
  {
    what: 'grown into a second file, with changes in the first',
    statements: [INSERT(35_000), `DELETE FROM large WHERE id % 97 = 0`],
    isSplit: true,
  },
  {
    what: 'cut back into the first file',
    statements: [`DELETE FROM large WHERE id > 100000`, `VACUUM (TRUNCATE) large`],
    isSplit: false,
  },
  {
    what: 'grown into the second file again',
    statements: [INSERT(40_000), `DELETE FROM large WHERE id % 89 = 0`, 'VACUUM large'],
    isSplit: true,
  },
] as const;

const CONTENT = `SELECT rows::text, hash::text FROM storm.content_of('large', 'true')`;

/** Majors whose server knows what has changed, and whose server does not. */
describe.each([15, 17] as const)('a relation of more than a gigabyte on PostgreSQL %i', (major) => {
  test('comes back whole from every link of a chain, before and behind the end of its first file', async () => {
    await using scratch = await makeScratch();
    await using server = await startLarge(major);
    const repository = repositoryAt(join(scratch.path, 'backups'));
    const links: { what: string; backup: CommitRecord; content: unknown }[] = [];
    for (const { what, statements, isSplit } of STEPS) {
      for (const statement of statements) await server.query(statement);
      expect([what, (await secondFileBytes(server)) > 0]).toEqual([what, isSplit]);
      const content = await server.query(CONTENT);
      const type = links.length === 0 ? 'full' : LINK_TYPE;
      const backup = await backUp(repository, server.connection, ofType(type));
      expect(backup.type).toBe(type);
      links.push({ what, backup, content });
    }
    for (const { what, backup, content } of links) {
      expect([what, (await verify(repository, backup)).findings]).toEqual([what, []]);
      await using copy = await restoreAndStart(repository, backup);
      expect([what, await copy.query(CONTENT)]).toEqual([what, content]);
      await using session = await openInstanceSession(copy.connection);
      expect([what, await physicalFindings(session)]).toEqual([what, []]);
    }
  }, 900_000);
});

async function startLarge(major: 15 | 17): Promise<TestServer> {
  const summaries = major >= 17 ? { summarize_wal: 'on' } : {};
  const settings = { max_wal_size: '256MB', fsync: 'off', autovacuum: 'off', ...summaries };
  const server = await startServer({ major, settings });
  await server.query(`${LEDGER_SCHEMA}; CREATE TABLE large (id int PRIMARY KEY, filler text NOT NULL);
    ALTER TABLE large ALTER filler SET STORAGE PLAIN`);
  return server;
}

/** Bytes behind the first gigabyte, which PostgreSQL keeps in a file of its own. */
async function secondFileBytes(server: TestServer): Promise<number> {
  const [row] = await server.query(
    `SELECT pg_relation_filepath('large') AS path, pg_relation_size('large')::text AS size`,
  );
  const behind = Math.max(0, Number(row!['size']) - GIGABYTE);
  const second = await stat(join(server.dataDirectory, `${String(row!['path'])}.1`)).catch(() => undefined);
  expect(second?.size ?? 0).toBe(behind);
  return behind;
}
