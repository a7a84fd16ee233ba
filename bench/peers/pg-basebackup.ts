import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../../src/postgres/server/instance-home.ts';
import { run, type Command } from '../child.ts';
import { measure } from '../measure.ts';
import type { Bench, BenchServer } from '../server.ts';
import { bytesBelow, type Peer } from './peer.ts';

/** PostgreSQL's own tool, to a plain directory; `undefined` where the installation has none. */
export async function pgBasebackup(bench: Bench, server: BenchServer): Promise<Peer | undefined> {
  const program = join(bench.binaries.directory, 'pg_basebackup');
  const target = join(server.home.directory, 'basebackup');
  const command = (...args: string[]): Command => ({ program, args, user: bench.user, signal: bench.signal });
  const version = await run(command('--version')).catch(() => undefined);
  if (version === undefined) return undefined;
  return {
    name: 'pg_basebackup',
    version: /\d+(?:\.\d+)*/.exec(version)?.[0] ?? version.trim(),
    prepare: async () => {
      await rm(target, { recursive: true, force: true });
      await makePrivateDirectory(target, bench.user);
    },
    backup: async () =>
      measure(
        command('--dbname', server.connection, '-D', target, '-X', 'stream', '-c', 'fast'),
        server.processId,
      ),
    storedBytes: async () => bytesBelow(target),
    restore: undefined,
  };
}
