import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };
import { readCatalogue } from '../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { run, type Command } from '../child.ts';
import { measure, type Measurement } from '../measure.ts';
import type { Bench, BenchServer } from '../server.ts';
import { bytesBelow, filesBelow, type AddedBytes, type Peer } from './peer.ts';

/** As many as there can be rounds, and one more. */
const MAX_CHAIN = '100';

export interface LarderPeer extends Peer {
  readonly restore: (target: string) => Promise<Measurement>;
  /** @param target a directory that does not exist; with `--delta`, one that holds an earlier copy */
  restoreOf(id: string, target: string, ...options: readonly '--delta'[]): Promise<Measurement>;
  /** Whether its command line has `restore --delta`. */
  hasDelta(): Promise<boolean>;
  /** The commit records, oldest first. */
  backups(): Promise<readonly CommitRecord[]>;
  /** Objects of the newest backup, its commit record among them. */
  objectCount(): Promise<number>;
}

/**
 * Larder as its users run it: the command line, as it is installed, with its defaults.
 *
 * @param name of its directory, where there are several on one server
 */
export function larder(bench: Bench, server: BenchServer, name = 'larder'): LarderPeer {
  const directory = join(server.home.directory, name);
  const environment = larderEnvironment(server, directory);
  const { BACKUP_DIR: repository } = environment;
  // runs as whoever runs the benchmark: the checkout may be closed to the server's account
  const command = (...args: string[]): Command => ({
    program: bench.larder,
    args,
    environment,
    user: undefined,
    signal: bench.signal,
  });
  const owner = bench.user === undefined ? [] : ['--owner', bench.user.name];
  const restoreOf = async (id: string, target: string, ...options: readonly string[]): Promise<Measurement> =>
    measure(command('restore', id, '--to-dir', target, ...options, ...owner));
  const backups = async (): Promise<readonly CommitRecord[]> => backupsIn(repository);
  return {
    name: 'Larder',
    version: packageFile.version,
    prepare: async () => {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { mode: 0o700 });
    },
    backup: async () => measure(command('backup', '--full'), server.processId),
    incremental: async () => {
      const measurement = await measure(command('backup', '--incremental'), server.processId);
      assertIncremental((await backups()).at(-1));
      return measurement;
    },
    storedBytes: async () => bytesBelow(repository),
    addedBytes: async () => addedBytesOf(repository),
    restore: async (target) => restoreOf('latest', target),
    restoreOf,
    hasDelta: async () => (await run(command('restore', '--help'))).includes('--delta'),
    backups,
    objectCount: async () => {
      const files = await filesBelow(repository);
      return files.filter(([path]) => path.includes('/full_backup_')).length;
    },
  };
}

/** Larder's settings on a server, with all that is its own in one directory. */
export function larderEnvironment(server: BenchServer, directory: string) {
  return {
    DATABASE_URL: server.connection,
    BACKUP_DIR: join(directory, 'backups'),
    LARDER_STATE_DIR: join(directory, 'state'),
    LARDER_BACKUP_MAX_CHAIN: MAX_CHAIN,
    HOME: directory,
  };
}

/** The commit records of a repository, oldest first. */
export async function backupsIn(repository: string): Promise<readonly CommitRecord[]> {
  return (await readCatalogue(openStore({ kind: 'filesystem', directory: repository }))).backups;
}

/** What its newest backup has to itself. */
export async function addedBytesOf(repository: string): Promise<AddedBytes> {
  const id = (await backupsIn(repository)).at(-1)?.id ?? '';
  return { bytes: await bytesBelow(join(repository, id)), archivedBytes: 0 };
}

/** Throws when it is a full one that says why. */
export function assertIncremental(newest: CommitRecord | undefined): void {
  if (newest?.type !== 'incremental')
    throw new Error(`Larder took a full backup: ${String(newest?.fullBecause)}`);
}
