import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  backUp,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { compareCopy, fingerprintOf } from '../../support/fingerprint/compare-copy.ts';
import { majors, startServer, type TestServer } from '../../support/postgres-server.ts';

const ROLE = await readFile(new URL('../../../deploy/sql/larder-role.sql', import.meta.url), 'utf8');

/** Something of every kind, with names that no program should have to quote. */
const SCHEMA = `
  CREATE SCHEMA "odd ""schema"".with
newline";
  CREATE TABLE "odd ""schema"".with
newline"."ta'ble \\ % $1" AS SELECT n, repeat('x', 50) AS "a""b" FROM generate_series(1, 10000) AS n;
  CREATE TABLE orders (id bigserial PRIMARY KEY, dish text NOT NULL DEFAULT 'soup' CHECK (dish <> ''));
  INSERT INTO orders (dish) SELECT 'dish ' || n FROM generate_series(1, 1234) AS n;
  CREATE TABLE sales (day date NOT NULL, sold int) PARTITION BY RANGE (day);
  CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  INSERT INTO sales SELECT '2026-01-01'::date + n, n FROM generate_series(0, 300) AS n;
  CREATE INDEX ON sales (day);
  CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent);
  INSERT INTO parent SELECT generate_series(1, 10); INSERT INTO child SELECT generate_series(1, 20);
  CREATE TABLE empty ();
  CREATE UNLOGGED TABLE baskets AS SELECT generate_series(1, 100) AS basket;
  CREATE VIEW cheap AS SELECT * FROM orders WHERE id < 10;
  CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM orders;
  CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
  CREATE FUNCTION twice(n text) RETURNS text LANGUAGE sql AS 'SELECT n || n';`;

let scratch: Scratch;
beforeAll(async () => void (scratch = await makeScratch()));
afterAll(() => scratch[Symbol.asyncDispose]());

describe.each(majors)('the fingerprint of a backup on PostgreSQL %i', (major) => {
  let server: TestServer;
  let repository: TestRepository;
  beforeAll(async () => {
    server = await startServer({ major });
    repository = repositoryAt(join(scratch.path, `backups-${major}`));
    await server.query(SCHEMA);
    await server.query(ROLE);
    await server.query(`CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'`);
    await server.sql('bytes', `SET client_encoding = 'LATIN1'; CREATE TABLE "caf\u00e9" AS SELECT 1`);
  }, 60_000);
  afterAll(() => server.stop());

  test('says exactly what an idle cluster holds, and finds a copy that holds less', async () => {
    const backup = await backUp(repository, server.connection);
    expect(backup.warnings).toEqual([]);
    const expected = await fingerprintOf(repository, backup);
    await using copy = await restoreAndStart(repository, backup);
    const { schema, rows, collations } = await compareCopy(expected, copy.connection);
    expect({ schema, rows, collations }).toEqual({
      schema: {
        findings: [],
        exceptions: [],
        detail:
          '2 databases, 3 schemas, 8 tables, 1 partitioned table, 1 materialized view, 1 view, 3 indexes, 1 sequence, 2 functions, 2 extensions',
      },
      rows: { findings: [], exceptions: [], detail: '8 tables, 8 with the exact number of rows' },
      collations: [],
    });

    await copy.query(`DELETE FROM orders; DELETE FROM ONLY parent WHERE a = 1; DROP VIEW cheap;
      CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 3 * n'`);
    const damaged = await compareCopy(expected, copy.connection);
    expect(damaged.rows.findings.map(({ message }) => message)).toEqual([
      'table postgres.public.orders holds 0 rows from before the backup in the copy, and must hold exactly 1234',
      'table postgres.public.parent holds 9 rows from before the backup in the copy, and must hold exactly 10',
    ]);
    expect(damaged.schema.findings.map(({ message }) => message)).toEqual([
      'view postgres.public.cheap is missing from the copy',
      expect.stringMatching(/^function postgres\.public\.twice \(\d+\) is defined otherwise in the copy/),
    ]);
  }, 60_000);

  test('names what a role may not look at, and takes it for nothing else', async () => {
    await server.query('REVOKE CONNECT ON DATABASE bytes FROM PUBLIC');
    const backup = await backUp(repository, server.urlFor({ user: 'larder' }));
    await server.query('GRANT CONNECT ON DATABASE bytes TO PUBLIC');
    expect(backup.warnings).toEqual([]);
    const expected = await fingerprintOf(repository, backup);
    const { schema, rows } = await compareCopy(expected, server.connection);
    expect([...schema.findings, ...rows.findings]).toEqual([]);
    expect(schema.exceptions).toEqual([
      expect.stringMatching(/^nobody looked into database bytes when the backup was taken: .*larder/),
    ]);
    // the statistics know of all but the one that never held a row
    expect(rows.exceptions).toEqual([
      'nobody knows how many rows postgres.public.empty has to hold: the role of the backup may not read it',
    ]);
  }, 60_000);
});
