import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { backUp, makeScratch, repositoryAt, type Scratch, type TestRepository } from '../backup-runner.ts';
import { startServer, type TestServer } from '../postgres-server.ts';
import { lsnOf, startReceiver } from '../wal-receiver.ts';

const ROWS = 2000;

/** A repository with two full backups and the log behind them, of a server that can still be damaged. */
export interface DrillBed extends AsyncDisposable {
  readonly scratch: Scratch;
  readonly server: TestServer;
  readonly repository: TestRepository;
  /** Oldest first. */
  readonly backups: readonly CommitRecord[];
  /** A moment before `payments` was dropped, and behind everything else: the server's clock, UTC. */
  readonly beforeDrop: string;
  /** Before the last transaction, ms since 1970 UTC by the server's clock. */
  readonly beforeLast: number;
  /** A copy of the repository, for one test to do with as it likes. */
  copy(name: string): Promise<string>;
}

/**
 * 1000 rows before the first backup, then 1000, the second backup, and 500 behind it. Then `payments` is dropped, which
 * nobody meant to, and one more row comes.
 */
export async function makeDrillBed(major: 17 | 18): Promise<DrillBed> {
  const scratch = await makeScratch();
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const server = await startServer({ major, walSegmentSizeMb: 1, settings: { autovacuum: 'off' } });
  const spool = join(scratch.path, 'spool');
  await using receiver = startReceiver(repository, { connection: server.connection, spool });
  await server.query(
    'CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE payments AS SELECT 7 AS paid',
  );
  await insert(server, 1, ROWS / 2);
  const first = await backUp(repository, server.connection);
  await insert(server, ROWS / 2 + 1, ROWS);
  const second = await backUp(repository, server.connection);
  await insert(server, ROWS + 1, ROWS + 500);
  const beforeDrop = await dropPayments(server);
  const beforeLast = await serverTime(server);
  await insert(server, ROWS + 501, ROWS + 501);
  const [end] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  await receiver.stored(lsnOf(end?.['lsn']));
  return {
    scratch,
    server,
    repository,
    backups: [first, second],
    beforeDrop,
    beforeLast,
    copy: async (name) => {
      const path = join(scratch.path, name);
      await cp(repository.location.directory, path, { recursive: true });
      return path;
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

async function insert(server: TestServer, from: number, to: number): Promise<void> {
  await server.query(`INSERT INTO orders SELECT g, md5(g::text) FROM generate_series(${from}, ${to}) g`);
}

async function dropPayments(server: TestServer): Promise<string> {
  const [row] = await server.query(
    "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS t",
  );
  await server.query('DROP TABLE payments');
  return String(row?.['t']);
}

async function serverTime(server: TestServer): Promise<number> {
  const [row] = await server.query('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS t');
  return Number(row?.['t']);
}
