import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';
import { assessServer } from '../../src/postgres/preflight/assess-server.ts';
import { readServerFacts } from '../../src/postgres/sql/server-facts.ts';
import { Session } from '../../src/postgres/sql/session.ts';
import type { TestServer } from '../support/postgres-server.ts';
import { startServer } from '../support/postgres-server.ts';

describe.each([15, 16, 17, 18] as const)('PostgreSQL %i', (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ major, tcp: true });
    await server.query(`CREATE ROLE larder LOGIN REPLICATION PASSWORD 'x'`);
    await server.query('CREATE DATABASE closed');
    await server.query('REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
  }, 60_000);
  afterAll(() => server.stop());

  async function factsAs(connection: string) {
    await using session = await Session.open(parseConnection(connection, {}));
    return await readServerFacts(session, systemClock);
  }
  const asLarder = () => factsAs(server.urlFor({ user: 'larder', password: 'x' }));

  test('tells a plain replication role what it may know, and unknown is not absent', async () => {
    const facts = await asLarder();
    expect(Math.floor(facts.versionNumber / 10_000)).toBe(major);
    expect(facts).toMatchObject({
      inRecovery: false,
      timeline: 1,
      role: { name: 'larder', superuser: false, replication: true },
      replicationSlots: 0,
      walSenders: 0,
      tablespaces: [],
      size: undefined,
    });
    expect(facts.systemIdentifier).toMatch(/^\d{19}$/);
    expect(Math.abs(facts.clockSkew)).toBeLessThan(1000);
    expect(facts.settings.get('wal_level')).toBe('replica');
    expect(facts.settings.get('wal_segment_size')).toBe('16777216');
    expect(facts.settings.has('summarize_wal')).toBe(major >= 17);
    expect(facts.settings.has('idle_replication_slot_timeout')).toBe(major >= 18);
    expect(facts.settings.has('data_directory')).toBe(false);
    expect(facts.databases.find((each) => each.name === 'closed')).toEqual({
      name: 'closed',
      size: undefined,
    });
    expect(facts.databases.find((each) => each.name === 'postgres')?.size).toBeGreaterThan(1_000_000);
  });

  test('tells a superuser everything', async () => {
    const facts = await factsAs(server.connection);
    expect(facts.settings.get('data_directory')).toBe(server.dataDirectory);
    expect(facts.size).toBeGreaterThan(10_000_000);
  });

  test('is found fit, with the rows this role may not see unknown', async () => {
    const rows = assessServer(await asLarder());
    expect(rows.filter((row) => row.state === 'error')).toEqual([]);
    expect(rows.filter((row) => row.state === 'unknown').map((row) => row.name)).toEqual([
      'configuration files',
    ]);
    await server.query('GRANT pg_read_all_settings TO larder');
    const granted = assessServer(await asLarder());
    expect(granted.find((row) => row.name === 'configuration files')?.state).toBe('ok');
  });

  test('answers a mistaken query with its SQLSTATE, and the session goes on', async () => {
    await using session = await Session.open(parseConnection(server.connection, {}));
    const broken = { text: 'SELECT 1 / 0 AS n', what: 'dividing' };
    await expect(session.row(broken, (row) => row.integer('n'))).rejects.toMatchObject({
      code: 'SERVER_ERROR',
      message: 'dividing failed: ERROR 22012: division by zero',
    });
    const read = { text: `SELECT $1 AS word, NULL AS nothing, true AS yes`, values: ['a'], what: 'reading' };
    const row = await session.row(read, (each) => [
      each.text('word'),
      each.optionalText('nothing'),
      each.boolean('yes'),
    ]);
    expect(row).toEqual(['a', undefined, true]);
  });
});
