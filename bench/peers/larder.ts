import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };
import type { Command } from '../child.ts';
import { measure, type Measurement } from '../measure.ts';
import type { Bench, BenchServer } from '../server.ts';
import { bytesBelow, filesBelow, type Peer } from './peer.ts';

const PROGRAM = join(import.meta.dirname, '../../scripts/larder');

export interface LarderPeer extends Peer {
  readonly restore: (target: string) => Promise<Measurement>;
  /** Objects of the newest backup, its commit record among them. */
  objectCount(): Promise<number>;
}

/** Larder as its users run it: the command line, from this checkout, with its defaults. */
export function larder(bench: Bench, server: BenchServer): LarderPeer {
  const directory = join(server.home.directory, 'larder');
  const repository = join(directory, 'backups');
  const environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: repository,
    LARDER_STATE_DIR: join(directory, 'state'),
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
  return {
    name: 'Larder',
    version: packageFile.version,
    prepare: async () => {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { mode: 0o700 });
    },
    backup: async () => measure(command('backup', '--full'), server.processId),
    storedBytes: async () => bytesBelow(repository),
    restore: async (target) => measure(command('restore', 'latest', '--to-dir', target, ...owner)),
    objectCount: async () => {
      const files = await filesBelow(repository);
      return files.filter(([path]) => path.includes('/full_backup_')).length;
    },
  };
}
