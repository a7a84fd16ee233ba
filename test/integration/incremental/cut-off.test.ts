import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { ChangeAccount } from '../../../src/backup/change-account.ts';
import { parseConnection } from '../../../src/postgres/parse-connection.ts';
import { parseLsn, type Lsn } from '../../../src/postgres/lsn.ts';
import { parseRelationPath } from '../../../src/postgres/relation-file.ts';
import { Session } from '../../../src/postgres/sql/session.ts';
import { canReadWalSummaries } from '../../../src/postgres/sql/wal-summaries.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  verify,
  type Scratch,
} from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';

/** Each pair of summaries has an even chance of being merged the wrong way round. */
const TABLES = 10;
const MEGABYTE_RELATION = { timeline: 1, blockSize: 8192, relationFileSize: 1024 ** 3 };

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

const names = Array.from({ length: TABLES }, (_, i) => `queue_${i}`);

async function fill(server: TestServer, name: string, first: number): Promise<void> {
  await server.query(
    `INSERT INTO ${name} SELECT g, repeat(md5(g::text), 6) FROM generate_series(${first}, ${first + 399}) g`,
  );
}

/** VACUUM gives the end of the file back, in one summary; it grows again in the next one. */
async function cutOffAndGrow(server: TestServer, name: string): Promise<void> {
  await server.query(`DELETE FROM ${name} WHERE id > 200`);
  await server.query(`VACUUM (TRUNCATE) ${name}`);
  await server.query('CHECKPOINT');
  await fill(server, name, 1000);
  await server.query('CHECKPOINT');
}

async function makeTables(server: TestServer): Promise<void> {
  for (const name of names) {
    await server.query(`CREATE TABLE ${name} (id int, filler text) WITH (autovacuum_enabled = off)`);
    await fill(server, name, 1);
  }
}

const contentOf = async (server: Pick<TestServer, 'query'>): Promise<unknown[]> => {
  const text = names.map((name) => `SELECT '${name}' AS name, count(*)::int, sum(id)::int FROM ${name}`);
  return server.query(text.join(' UNION ALL '));
};

describe.each([17, 18] as const)('PostgreSQL %i: relations that were cut off and grew again', (major) => {
  test('come back as they are, though the server merges its summaries in the order of their directory', async () => {
    await using server = await startServer({ major, settings: { summarize_wal: 'on' } });
    const repository = repositoryAt(join(scratch.path, `backups-${major}`));
    await makeTables(server);
    const full = await backUp(repository, server.connection);
    for (const name of names) await cutOffAndGrow(server, name);
    const next = await backUp(repository, server.connection, { type: 'incremental' });
    expect(next).toMatchObject({ type: 'incremental', parent: full.id, fullBecause: null });
    expect((await verify(repository, next)).findings).toEqual([]);
    await using copy = await restoreAndStart(repository, next);
    expect(await contentOf(copy)).toEqual(await contentOf(server));
  }, 120_000);
});

async function redoOf(server: TestServer): Promise<Lsn> {
  const [row] = await server.query('SELECT redo_lsn FROM pg_control_checkpoint()');
  return parseLsn(String(row?.['redo_lsn'])) ?? 0n;
}

/** The summarizer comes behind the checkpoint. */
async function summarizedTo(server: TestServer, lsn: Lsn): Promise<void> {
  await until(async () => {
    const [row] = await server.query('SELECT max(end_lsn) AS end FROM pg_available_wal_summaries()');
    return (parseLsn(String(row?.['end'])) ?? 0n) >= lsn;
  });
}

describe("the server's account of changes", () => {
  let server: TestServer;
  let sql: Session;
  beforeAll(async () => {
    server = await startServer({ major: 18, settings: { summarize_wal: 'on', autovacuum: 'off' } });
    await makeTables(server);
    await server.query('CREATE ROLE replicator LOGIN REPLICATION');
    sql = await Session.open({ ...parseConnection(server.connection, {}), user: 'replicator' });
  });
  afterAll(async () => {
    await sql.close();
    await server.stop();
  });

  async function pathOf(name: string): Promise<string> {
    const [row] = await server.query(`SELECT pg_relation_filepath('${name}') AS path`);
    return String(row?.['path']);
  }

  test('can be read by a role that may replicate and nothing else', async () => {
    expect(await canReadWalSummaries(sql)).toBe(true);
  });

  test('leaves out the file that was cut, and no other', async () => {
    await server.query('CHECKPOINT');
    const from = await redoOf(server);
    await cutOffAndGrow(server, 'queue_0');
    await summarizedTo(server, await redoOf(server));
    const account = await ChangeAccount.read(sql, MEGABYTE_RELATION, from);
    const cut = await pathOf('queue_0');
    expect(account.comesWhole(cut)).toBe(true);
    expect(account.comesWhole(cut.replace(/(\d+)$/, 'INCREMENTAL.$1'))).toBe(true);
    expect(account.comesWhole(`${cut}.1`)).toBe(false);
    expect(account.comesWhole(await pathOf('queue_1'))).toBe(false);
    expect(account.comesWhole(`${await pathOf('queue_1')}_vm`)).toBe(true);
    expect(account.comesWhole('PG_VERSION')).toBe(false);
  });

  test('is refused when a relation is cut off and grows again behind what was looked at', async () => {
    await server.query('CHECKPOINT');
    const from = await redoOf(server);
    await summarizedTo(server, from);
    const account = await ChangeAccount.read(sql, MEGABYTE_RELATION, from);
    await account.assertTold(from);
    await fill(server, 'queue_2', 5000);
    await server.query('CHECKPOINT');
    await server.query('CHECKPOINT');
    await summarizedTo(server, await redoOf(server));
    await account.assertTold(await redoOf(server));
    await cutOffAndGrow(server, 'queue_3');
    await summarizedTo(server, await redoOf(server));
    const refusal = await failureOf(account.assertTold(await redoOf(server)));
    expect(refusal).toMatchObject({ code: 'CHANGES_UNCERTAIN' });
    expect(refusal.message).toContain(String(parseRelationPath(await pathOf('queue_3'))?.relation));
  });

  test('is refused where summaries are missing', async () => {
    const from = await redoOf(server);
    const beyond = from + 1_000_000n;
    const account = await ChangeAccount.read(sql, MEGABYTE_RELATION, from);
    expect(await failureOf(account.assertTold(beyond))).toMatchObject({ code: 'INCREMENTAL_REFUSED' });
    // before the first segment there is no log, and no summary of it
    expect(await failureOf(ChangeAccount.read(sql, MEGABYTE_RELATION, 1n))).toMatchObject({
      code: 'INCREMENTAL_REFUSED',
    });
  });
});
