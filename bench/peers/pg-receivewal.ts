import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../../src/postgres/server/instance-home.ts';
import { startBackground } from '../background.ts';
import { run, type Command } from '../child.ts';
import type { Bench, BenchServer } from '../server.ts';
import type { WalReceiver } from '../wal/receiver.ts';
import { createSlot, dropSlot } from '../wal/wal-server.ts';
import { bytesBelow } from './peer.ts';

const SLOT = 'bench_pg_receivewal';

/**
 * PostgreSQL's own receiver, to a plain directory; `undefined` where the installation has none.
 *
 * @param options `--synchronous` makes it report each flush at once, which as synchronous standby it must
 */
export async function pgReceivewal(
  bench: Bench,
  server: BenchServer,
  options: readonly '--synchronous'[],
): Promise<WalReceiver | undefined> {
  const program = join(bench.binaries.directory, 'pg_receivewal');
  const directory = join(server.home.directory, 'received');
  const command = (...args: string[]): Command => ({ program, args, user: bench.user, signal: bench.signal });
  const version = await run(command('--version')).catch(() => undefined);
  if (version === undefined) return undefined;
  const empty = async (): Promise<void> => {
    await rm(directory, { recursive: true, force: true });
    await makePrivateDirectory(directory, bench.user);
  };
  return {
    name: ['pg_receivewal', ...options].join(' '),
    version: /\d+(?:\.\d+)*/.exec(version)?.[0] ?? version.trim(),
    prepare: async () => {
      await empty();
      await dropSlot(server, SLOT);
      await createSlot(server, SLOT);
    },
    rewind: empty,
    slot: () => SLOT,
    start: () =>
      startBackground(
        command(
          ...['--dbname', server.connection, '-D', directory, '--slot', SLOT, '--no-loop'],
          // else it says what is durable every ten seconds only
          ...['--status-interval', '1'],
          ...options,
        ),
      ),
    segmentDirectory: async () => Promise.resolve(directory),
    storedBytes: async () => bytesBelow(directory),
    remove: async () => {
      await dropSlot(server, SLOT);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
