import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/clock.ts';
import { parseConnection } from '../../../src/postgres/parse-connection.ts';
import { withDatabase } from '../../../src/postgres/server/instance-session.ts';
import { affordableTables } from '../../../src/postgres/sql/fingerprint/affordable-tables.ts';
import { lookAtCluster } from '../../../src/postgres/sql/fingerprint/look-at-cluster.ts';
import type { ClusterLook } from '../../../src/postgres/sql/fingerprint/look.ts';
import { Session } from '../../../src/postgres/sql/session.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ major: 18, settings: { autovacuum: 'off' } });
  await server.query('CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n');
  await server.query('CREATE DATABASE other');
}, 60_000);
afterAll(() => server.stop());

async function look(earlier?: ClusterLook): Promise<{ found: ClusterLook; entered: string[] }> {
  const { signal } = new AbortController();
  const entered: string[] = [];
  const found = await lookAtCluster({
    openDatabase: async (database) => {
      entered.push(database);
      return Session.open(parseConnection(withDatabase(server.connection, database), {}), signal);
    },
    database: 'postgres',
    clock: systemClock,
    signal,
    limit: 15_000,
    stay: undefined,
    settledBefore: earlier?.settledBefore,
    chooseTables: affordableTables(),
    earlier,
  });
  return { found, entered };
}
const rowsOf = ({ databases }: ClusterLook) =>
  databases.flatMap(({ objects }) => objects).find(({ name }) => name === 'orders')?.rows?.counted;

test('enters each database once, and only to ask whether anything has changed since an earlier look that was idle', async () => {
  const { found: before, entered } = await look();
  expect(entered).toEqual(['postgres', 'other']);
  expect(before.databases.map(({ name, notLookedAt }) => [name, notLookedAt === null])).toEqual([
    ['template1', false],
    ['template0', false],
    ['postgres', true],
    ['other', true],
  ]);
  expect(rowsOf(before)).toMatchObject({ rows: 1000 });

  const unchanged = await look(before);
  expect(unchanged.entered).toEqual(['postgres']);
  expect(unchanged.found.databases).toBe(before.databases);

  await server.query('INSERT INTO orders VALUES (1)');
  const changed = await look(before);
  expect(changed.entered).toEqual(['postgres', 'other']);
  expect(rowsOf(changed.found)).toMatchObject({ rows: 1001, settled: 1000 });
}, 60_000);

test('while a transaction that writes has not ended, everything is looked at again: its commit may be in the log', async () => {
  const writer = await Session.open(parseConnection(server.connection, {}), new AbortController().signal);
  const write = (text: string) => writer.rows({ text, what: 'writing' }, () => undefined);
  try {
    const { found: before } = await look();
    await write('BEGIN');
    await write('DELETE FROM orders WHERE n = 7');
    const meanwhile = await look(before);
    expect(meanwhile.entered).toEqual(['postgres', 'other']);
    expect(rowsOf(meanwhile.found)).toMatchObject({ rows: 1001, settled: 1001, firm: 1000 });
    await write('COMMIT');
    expect(rowsOf((await look(before)).found)).toMatchObject({ rows: 1000 });
  } finally {
    await writer.close();
  }
}, 60_000);

test('where a table was not counted the statistics are asked twice', async () => {
  const { found } = await look();
  const uncounted = {
    ...found,
    databases: found.databases.map((database) => ({
      ...database,
      objects: database.objects.map((object) =>
        object.rows === undefined ? object : { ...object, rows: { ...object.rows, counted: 'too much' } },
      ),
    })),
  };
  expect((await look(uncounted)).entered).toEqual(['postgres', 'other']);
}, 60_000);
