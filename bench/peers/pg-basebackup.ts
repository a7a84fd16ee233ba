import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../../src/postgres/server/instance-home.ts';
import { run, type Command } from '../child.ts';
import { measure, type Measurement } from '../measure.ts';
import type { Bench, BenchServer } from '../server.ts';
import { bytesBelow, type Peer } from './peer.ts';

/** PostgreSQL's own tool, to a plain directory; `undefined` where the installation has none. */
export async function pgBasebackup(bench: Bench, server: BenchServer): Promise<Peer | undefined> {
  const program = join(bench.binaries.directory, 'pg_basebackup');
  const target = join(server.home.directory, 'basebackup');
  const earlierManifest = join(server.home.directory, 'basebackup_manifest');
  const command = (...args: string[]): Command => ({ program, args, user: bench.user, signal: bench.signal });
  const version = await run(command('--version')).catch(() => undefined);
  if (version === undefined) return undefined;
  const prepare = async (): Promise<void> => {
    await rm(target, { recursive: true, force: true });
    await makePrivateDirectory(target, bench.user);
  };
  const backup = async (...options: string[]): Promise<Measurement> =>
    measure(
      command('--dbname', server.connection, '-D', target, '-X', 'stream', '-c', 'fast', ...options),
      server.processId,
    );
  return {
    name: 'pg_basebackup',
    version: /\d+(?:\.\d+)*/.exec(version)?.[0] ?? version.trim(),
    prepare,
    backup,
    incremental: async () => {
      // of the earlier backup it asks for no more than the manifest
      await rename(join(target, 'backup_manifest'), earlierManifest);
      await prepare();
      const measurement = await backup('--incremental', earlierManifest);
      const label = await readFile(join(target, 'backup_label'), 'utf8');
      if (!label.includes('INCREMENTAL FROM LSN')) throw new Error('pg_basebackup took a full backup');
      return measurement;
    },
    storedBytes: async () => bytesBelow(target),
    addedBytes: async () => ({ bytes: await bytesBelow(target), archivedBytes: 0 }),
    restore: undefined,
  };
}
