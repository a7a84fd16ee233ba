import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { larder, startLarder } from '../../support/larder-command.ts';
import { eventually } from '../../support/larder-process.ts';
import { majors, startServer, type TestServer } from '../../support/postgres-server.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';

const SQL = await readFile(new URL('../../../deploy/sql/larder-role.sql', import.meta.url), 'utf8');

/** What whoever holds the role's password must not be able to do. */
const REFUSED = [
  'CREATE ROLE another',
  'CREATE DATABASE another',
  'SELECT * FROM pg_authid',
  'SELECT * FROM menu',
  "SELECT pg_read_file('postgresql.conf')",
  "COPY (SELECT 1) TO '/tmp/larder-test-role'",
  "COPY (SELECT 1) TO PROGRAM 'true'",
  'SELECT pg_backup_start($$label$$)',
  'SELECT pg_reload_conf()',
  "ALTER SYSTEM SET summarize_wal = 'off'",
];

describe.each(majors)('on PostgreSQL %i the role of deploy/sql/larder-role.sql', (major) => {
  let server: TestServer;
  let directory: TemporaryDirectory;
  let environment: Record<string, string>;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    server = await startServer({ major, ...(major < 17 ? {} : { settings: { summarize_wal: 'on' } }) });
    await server.query('CREATE TABLE menu AS SELECT generate_series(1, 10000) AS dish');
    await server.query(SQL);
    environment = {
      DATABASE_URL: server.urlFor({ user: 'larder' }),
      BACKUP_DIR: join(directory.path, 'backups'),
      LARDER_STATE_DIR: join(directory.path, 'state'),
      LARDER_WAL_TAIL_INTERVAL: '1s',
    };
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await directory[Symbol.asyncDispose]();
  });

  test('can be made again, and has no attribute but LOGIN and REPLICATION', async () => {
    await server.query(SQL);
    const [role] = await server.query(
      `SELECT rolcanlogin, rolreplication, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolpassword
         FROM pg_authid WHERE rolname = 'larder'`,
    );
    expect(role).toEqual({
      rolcanlogin: true,
      rolreplication: true,
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolbypassrls: false,
      rolpassword: null,
    });
  });

  test('lets "larder check" see everything it asks for', async () => {
    const { code, stdout } = await larder(['check', '--json'], environment);
    const rows = JSON.parse(stdout) as { name: string; state: string }[];
    expect(rows.filter(({ state }) => state === 'error' || state === 'unknown')).toEqual([]);
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['role', 'max_wal_senders', 'configuration files', 'replication connection']),
    );
    expect(code).toBe(0);
  });

  test('takes full and incremental backups, receives WAL beside them and seals it', async () => {
    const receiver = startLarder(['wal', 'receive'], environment);
    try {
      const full = await larder(['backup', '--full', '--json'], environment);
      expect(full).toMatchObject({ code: 0 });
      await server.query('INSERT INTO menu SELECT generate_series(1, 1000)');
      const incremental = await larder(['backup', '--json'], environment);
      expect(incremental).toMatchObject({ code: 0 });
      expect(JSON.parse(incremental.stdout)).toMatchObject({ type: 'incremental' });
      const sealed = await larder(['wal', 'seal'], environment);
      expect(sealed).toMatchObject({ code: 0 });
      await eventually(
        () => larder(['wal', 'status', '--json'], environment),
        ({ code }) => code === 0,
      );
    } finally {
      receiver.child.kill('SIGTERM');
    }
    expect((await receiver.ended).stderr).not.toMatch(/SERVER_NOT_PRIVILEGED|permission denied/);
    expect((await larder(['verify', 'latest', '--level', 'objects'], environment)).code).toBe(0);
  }, 120_000);

  test.each(REFUSED)('may not: %s', async (statement) => {
    await using session = await openInstanceSession(environment['DATABASE_URL']!);
    await expect(session.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});
