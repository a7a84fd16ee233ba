import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../src/clock.ts';
import type { ServerBinaries } from '../src/postgres/server/find-binaries.ts';
import { initializeCluster } from '../src/postgres/server/initialize-cluster.ts';
import type { InstanceHome } from '../src/postgres/server/instance-home.ts';
import { prepareInstanceHome, removeInstanceHome } from '../src/postgres/server/instance-home.ts';
import { openInstanceSession } from '../src/postgres/server/instance-session.ts';
import type { InstanceUser } from '../src/postgres/server/instance-user.ts';
import { startInstance } from '../src/postgres/server/instance.ts';
import { reachableBinaries } from '../src/postgres/server/reachable-binaries.ts';
import { run } from './child.ts';

/** What every part of one run shares. */
export interface Bench {
  /** Made by this run, removed with all that is in it at its end. */
  readonly directory: string;
  readonly binaries: ServerBinaries;
  /** The account of servers and peers; `undefined` when that is this process's own. */
  readonly user: InstanceUser | undefined;
  /** Larder's program, as it is installed. */
  readonly larder: string;
  readonly signal: AbortSignal;
}

/** A server to back up; disposing ends it and removes its data. */
export interface BenchServer {
  /** URL of the superuser through the unix socket. */
  readonly connection: string;
  readonly home: InstanceHome;
  /** The postmaster. */
  readonly processId: number;
  /** Runs SQL, one statement after the other in one session. */
  execute(...statements: readonly string[]): Promise<Record<string, unknown>[]>;
  /** Of all databases, bytes. */
  size(): Promise<number>;
  /**
   * What is written is made durable and what is to be archived is: the next run pays for nothing that another one left
   * behind. Page caches stay warm, for all alike.
   */
  settle(): Promise<void>;
  /** Seconds that the checkpoints took that have completed since the server's start. */
  checkpointSeconds(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes an empty cluster with data checksums below the run's directory and starts its server.
 *
 * @param settings on top of those that every measured server has
 */
export async function startBenchServer(
  bench: Bench,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  const { signal } = bench;
  const home = await prepareInstanceHome(join(bench.directory, name), bench.user);
  const binaries = await reachableBinaries(bench.binaries, home);
  await initializeCluster(binaries, home, {
    checksums: true,
    walSegmentSizeMb: 16,
    settings: { ...SETTINGS, ...settings },
  });
  const instance = await startInstance({ binaries, home, settings: {}, clock: systemClock, signal });
  const execute = async (...statements: readonly string[]): Promise<Record<string, unknown>[]> =>
    executeAll(instance.connection, statements, signal);
  return {
    connection: instance.connection,
    home,
    processId: instance.processId,
    execute,
    size: async () => {
      const [row] = await execute('SELECT sum(pg_database_size(oid)) AS bytes FROM pg_database');
      return Number(row?.['bytes']);
    },
    settle: async () => settle(execute, bench),
    checkpointSeconds: async () => sumCheckpoints(await readFile(home.logFile, 'utf8')),
    [Symbol.asyncDispose]: async () => {
      await instance.stop('immediate');
      await removeInstanceHome(home);
    },
  };
}

/** An `archive_command` that lets everything go. */
export const NOTHING_ARCHIVED = '/bin/true';

const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '256MB',
  // neither the filling nor a measured run meets a checkpoint of its own, nor a vacuum
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  log_checkpoints: 'on',
  // pgBackRest refuses to work without; it alone gives a command that keeps anything, while it backs up
  archive_mode: 'on',
  archive_command: NOTHING_ARCHIVED,
};

async function executeAll(
  connection: string,
  statements: readonly string[],
  signal: AbortSignal,
): Promise<Record<string, unknown>[]> {
  await using session = await openInstanceSession(connection);
  let rows: Record<string, unknown>[] = [];
  for (const statement of statements) {
    signal.throwIfAborted();
    rows = await session.query(statement);
  }
  return rows;
}

async function settle(execute: BenchServer['execute'], bench: Bench): Promise<void> {
  await execute('CHECKPOINT');
  const waiting = `SELECT count(*) AS n FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`;
  while (Number((await execute(waiting))[0]?.['n']) > 0)
    await delay(100, undefined, { signal: bench.signal });
  await run({ program: 'sync', args: [], user: undefined, signal: bench.signal });
}

/** `checkpoint complete: wrote 3 buffers …; write=0.101 s, sync=0.001 s, total=0.106 s; …`, in English for LC_ALL=C. */
export function sumCheckpoints(log: string): number {
  return [...log.matchAll(/checkpoint complete:.*? total=([\d.]+) s/g)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
}
