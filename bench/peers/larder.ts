import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };
import { readCatalogue } from '../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { run, type Command } from '../child.ts';
import { measure, type Measurement } from '../measure.ts';
import type { Bench, BenchServer } from '../server.ts';
import { bytesBelow, filesBelow, type Peer } from './peer.ts';

const PROGRAM = join(import.meta.dirname, '../../scripts/larder');
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
 * Larder as its users run it: the command line, from this checkout, with its defaults.
 *
 * @param name of its directory, where there are several on one server
 */
export function larder(bench: Bench, server: BenchServer, name = 'larder'): LarderPeer {
  const directory = join(server.home.directory, name);
  const repository = join(directory, 'backups');
  const environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: repository,
    LARDER_STATE_DIR: join(directory, 'state'),
    LARDER_BACKUP_MAX_CHAIN: MAX_CHAIN,
    HOME: directory,
  };
  // runs as whoever runs the benchmark: the checkout may be closed to the server's account
  const command = (...args: string[]): Command => ({
    program: PROGRAM,
    args,
    environment,
    user: undefined,
    signal: bench.signal,
  });
  const owner = bench.user === undefined ? [] : ['--owner', bench.user.name];
  const restoreOf = async (id: string, target: string, ...options: readonly string[]): Promise<Measurement> =>
    measure(command('restore', id, '--to-dir', target, ...options, ...owner));
  const backups = async (): Promise<readonly CommitRecord[]> =>
    (await readCatalogue(openStore({ kind: 'filesystem', directory: repository }))).backups;
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
    addedBytes: async () => ({
      bytes: await bytesBelow(join(repository, (await backups()).at(-1)?.id ?? '')),
      archivedBytes: 0,
    }),
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

function assertIncremental(newest: CommitRecord | undefined): void {
  if (newest?.type !== 'incremental')
    throw new Error(`Larder took a full backup: ${String(newest?.fullBecause)}`);
}
