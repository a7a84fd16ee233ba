import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { findEmbeddedBinaries } from '../../src/postgres/server/find-binaries.ts';
import { findFreePort } from '../../src/postgres/server/free-port.ts';
import { initializeCluster } from '../../src/postgres/server/initialize-cluster.ts';
import type { InstanceHome } from '../../src/postgres/server/instance-home.ts';
import { prepareInstanceHome, removeInstanceHome } from '../../src/postgres/server/instance-home.ts';
import { openInstanceSession, withDatabase } from '../../src/postgres/server/instance-session.ts';
import { chooseInstanceUser } from '../../src/postgres/server/instance-user.ts';
import type { Instance } from '../../src/postgres/server/instance.ts';
import { startInstance } from '../../src/postgres/server/instance.ts';
import { reachableBinaries } from '../../src/postgres/server/reachable-binaries.ts';
import { releaseDataDirectory } from '../../src/postgres/server/release-data-directory.ts';

/** Every major version Larder supports. */
export const majors = [15, 16, 17, 18] as const;

export interface TestServerOptions {
  major: (typeof majors)[number];
  /** Written to postgresql.conf, so they are part of every backup. */
  settings?: Record<string, string>;
  walSegmentSizeMb?: number;
  checksums?: boolean;
  /** Listen on 127.0.0.1 too (SCRAM). */
  tcp?: boolean;
}

/** A real PostgreSQL server on a temporary directory; the npm build, so the same on every machine. */
export interface TestServer {
  major: number;
  /** URL of the superuser `postgres`, database `postgres`, through the unix socket. */
  connection: string;
  /** URL of the same server for another role or database; through TCP when the server listens there and `password` is given. */
  urlFor(login: { user: string; password?: string; database?: string }): string;
  socketDirectory: string;
  port: number;
  dataDirectory: string;
  logFile: string;
  processId: number;
  /** Runs SQL in the database `postgres`; the rows of the last statement. */
  query(text: string): Promise<Record<string, unknown>[]>;
  /** The same in another database. */
  sql(database: string, text: string): Promise<Record<string, unknown>[]>;
  /** Ends the server (fast) and removes its directory. */
  stop(): Promise<void>;
  /** SIGKILL to the postmaster, as a crash does; the directory stays until `stop`. */
  kill(): Promise<void>;
  /** Starts it again on the same data after `kill` or `halt`. */
  restart(): Promise<void>;
  /** Ends the server (fast) and keeps its directory. */
  halt(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server; end it with `stop` (or `await using`). */
export async function startServer(options: TestServerOptions): Promise<TestServer> {
  const installed = await findEmbeddedBinaries(options.major);
  if (installed === undefined) {
    throw new Error(`the npm package of PostgreSQL ${options.major} is not installed for ${process.arch}`);
  }
  const directory = await mkdtemp(join(tmpdir(), 'larder-test-'));
  const home = await prepareInstanceHome(directory, await chooseInstanceUser());
  try {
    const binaries = await reachableBinaries(installed, home);
    await initializeCluster(binaries, home, {
      checksums: options.checksums ?? true,
      walSegmentSizeMb: options.walSegmentSizeMb ?? 16,
      settings: { shared_buffers: '32MB', ...options.settings },
    });
    const tcpPort = options.tcp === true ? await findFreePort() : undefined;
    const start = async () =>
      startInstance({
        binaries,
        home,
        settings: {},
        ...(tcpPort === undefined ? {} : { tcpPort }),
        clock: systemClock,
      });
    return describeServer(options.major, { home, instance: await start(), start }, tcpPort);
  } catch (error) {
    await removeInstanceHome(home);
    throw error;
  }
}

interface Running {
  home: InstanceHome;
  instance: Instance;
  start: () => Promise<Instance>;
}

function describeServer(major: number, running: Running, tcpPort: number | undefined): TestServer {
  const { home } = running;
  const port = tcpPort ?? 5432;
  const connection = running.instance.connection;
  const sql = async (database: string, text: string) => {
    await using session = await openInstanceSession(connection, database);
    return await session.query(text);
  };
  const stop = async () => {
    await running.instance.stop('fast');
    await removeInstanceHome(home);
  };
  return {
    major,
    connection,
    socketDirectory: home.socketDirectory,
    port,
    dataDirectory: home.dataDirectory,
    logFile: home.logFile,
    get processId() {
      return running.instance.processId;
    },
    urlFor: ({ user, password, database = 'postgres' }) =>
      tcpPort === undefined || password === undefined
        ? withDatabase(connection, database).replace('postgres@', `${encodeURIComponent(user)}@`)
        : `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    query: (text) => sql('postgres', text),
    sql,
    stop,
    kill: async () => {
      process.kill(running.instance.processId, 'SIGKILL');
      await running.instance.ended;
    },
    halt: () => running.instance.stop('fast'),
    restart: async () => {
      await releaseDataDirectory(home.dataDirectory, systemClock);
      running.instance = await running.start();
    },
    [Symbol.asyncDispose]: stop,
  };
}
