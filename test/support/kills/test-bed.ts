import { expect } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import {
  type ClusterFingerprint,
  differences,
  fingerprintCluster,
} from '../../../src/demo/compare-clusters.ts';
import { findEmbeddedBinaries, type ServerBinaries } from '../../../src/postgres/server/find-binaries.ts';
import { INSTANCE_ENVIRONMENT } from '../../../src/postgres/server/instance-environment.ts';
import {
  type InstanceHome,
  prepareInstanceHome,
  removeInstanceHome,
} from '../../../src/postgres/server/instance-home.ts';
import { chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import { reachableBinaries } from '../../../src/postgres/server/reachable-binaries.ts';
import { startTemporaryInstance } from '../../../src/postgres/server/temporary-instance.ts';
import { type TestServer, startServer } from '../postgres-server.ts';
import { OperationProcess } from './operation-process.ts';

const MAJOR = 17;

/** A small cluster with a tablespace, an empty place for its backups, and one to restore them to. */
export interface TestBed extends AsyncDisposable {
  readonly server: TestServer;
  readonly repository: string;
  /** Where backups are restored to and started: `dataDirectory`, and the tablespace in `tablespace`. */
  readonly home: InstanceHome;
  readonly tablespace: string;
  readonly tablespaceOid: string;
  /** Arguments of restore-program.ts. */
  restoreArguments(backupId: string): string[];
  fingerprint(): Promise<ClusterFingerprint>;
  /** Changes the contents of the cluster, so that a later backup cannot pass for an earlier one. */
  change(): Promise<void>;
  /** Fails unless the server refuses the directory for what is missing in it. */
  expectRefused(): void;
  /** Fails unless the restored directory starts and holds what the fingerprint says; removes it. */
  expectStarts(expected: ClusterFingerprint): Promise<void>;
  /** Restores a backup and does the same. */
  expectRestores(backupId: string, expected: ClusterFingerprint): Promise<void>;
  /** The SHA-256 of every restored file, by its path. */
  restoredFiles(): Record<string, string>;
  clear(): void;
}

export async function openTestBed(): Promise<TestBed> {
  const installed = await findEmbeddedBinaries(MAJOR);
  if (installed === undefined) throw new Error(`PostgreSQL ${MAJOR} is not installed for ${process.arch}`);
  const server = await startServer({ major: MAJOR, walSegmentSizeMb: 1, settings: { fsync: 'off' } });
  const repository = await mkdtemp(join(tmpdir(), 'larder-kills-repository-'));
  const home = await prepareInstanceHome(
    await mkdtemp(join(tmpdir(), 'larder-kills-')),
    await chooseInstanceUser(),
  );
  const oid = await fill(server);
  return describeTestBed({
    server,
    repository,
    home,
    binaries: await reachableBinaries(installed, home),
    oid,
  });
}

/**
 * Files of every kind: many small ones that share frames, some of several frames, empty ones, some in a tablespace.
 * @returns the tablespace's OID
 */
async function fill(server: TestServer): Promise<string> {
  const location = join(server.socketDirectory, '..', 'space');
  mkdirSync(location, { mode: 0o700 });
  const user = await chooseInstanceUser();
  if (user !== undefined) chownSync(location, user.uid, user.gid);
  await server.query(`CREATE TABLESPACE space LOCATION '${location}'`);
  await server.query(
    `CREATE TABLE large AS SELECT n, repeat(md5(n::text), 10) AS filler FROM generate_series(1, 50000) AS n;
     CREATE TABLE elsewhere TABLESPACE space AS SELECT n, md5(n::text) FROM generate_series(1, 30000) AS n;
     CREATE TABLE empty (); CREATE TABLE change (n int)`,
  );
  // two thirds of the files, which would cost most of the time
  for (const template of ['template1', 'template0']) {
    await server.query(`ALTER DATABASE ${template} IS_TEMPLATE false`);
    await server.query(`DROP DATABASE ${template}`);
  }
  // hint bits are written now, and not by a comparison between two backups
  await server.query('VACUUM');
  await server.query('CHECKPOINT');
  const [row] = await server.query(`SELECT oid::text FROM pg_tablespace WHERE spcname = 'space'`);
  return String(row?.['oid']);
}

interface Parts {
  readonly server: TestServer;
  readonly repository: string;
  readonly home: InstanceHome;
  readonly binaries: ServerBinaries;
  readonly oid: string;
}

function describeTestBed({ server, repository, home, binaries, oid }: Parts): TestBed {
  const tablespace = join(home.directory, 'space');
  const bed: TestBed = {
    server,
    repository,
    home,
    tablespace,
    tablespaceOid: oid,
    restoreArguments: (backupId) => [repository, backupId, home.dataDirectory, oid, tablespace],
    fingerprint: () => fingerprintCluster(server.connection, { unlogged: false }),
    change: async () => {
      await server.query('INSERT INTO change SELECT count(*) FROM change; CHECKPOINT');
    },
    expectRefused: () => expectRefused(binaries, home),
    expectStarts: async (expected) => {
      const instance = await startTemporaryInstance({ binaries, home, settings: {}, clock: systemClock });
      try {
        const found = await fingerprintCluster(instance.connection, { unlogged: false });
        expect(differences(expected, found)).toEqual([]);
      } finally {
        await instance.stop('immediate');
      }
      bed.clear();
    },
    expectRestores: async (backupId, expected) => {
      bed.clear();
      const operation = OperationProcess.start('restore-program.ts', bed.restoreArguments(backupId));
      await operation.begin();
      expect(await operation.ended()).toMatchObject({ stderr: '', code: 0, done: true });
      await bed.expectStarts(expected);
    },
    restoredFiles: () => ({ ...filesBelow(home.dataDirectory), ...filesBelow(tablespace) }),
    clear: () => {
      for (const path of [home.dataDirectory, tablespace]) rmSync(path, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await removeInstanceHome(home);
      await rm(repository, { recursive: true });
    },
  };
  return bed;
}

/** The server is given settings of its own, so that only the data can stop it. */
function expectRefused(binaries: ServerBinaries, home: InstanceHome): void {
  const configuration = join(home.directory, 'refused.conf');
  writeFileSync(configuration, '');
  const settings = [`config_file=${configuration}`, `hba_file=${configuration}`, 'listen_addresses='];
  const { status, stderr } = spawnSync(
    join(binaries.directory, 'postgres'),
    [
      ...['-D', home.dataDirectory],
      ...[...settings, `unix_socket_directories=${home.socketDirectory}`].flatMap((each) => ['-c', each]),
    ],
    {
      env: INSTANCE_ENVIRONMENT,
      encoding: 'utf8',
      timeout: 10_000,
      ...(home.user === undefined ? {} : { uid: home.user.uid, gid: home.user.gid }),
    },
  );
  // what was made last may not have been given to its owner yet
  expect(stderr).toMatch(
    /global\/pg_control|not a valid data directory|could not access directory|PG_VERSION": Permission denied|wrong ownership/,
  );
  expect(status).toBeGreaterThan(0);
}

function filesBelow(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found[path] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return found;
}
