import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };
import { openInstanceSession } from '../../src/postgres/server/instance-session.ts';
import { walSegmentObject } from '../../src/repository/wal/wal-layout.ts';
import { startBackground, type Background } from '../background.ts';
import type { Command } from '../child.ts';
import type { Bench, BenchServer } from '../server.ts';
import { untilCaughtUp, type WalReceiver } from '../wal/receiver.ts';
import { dropSlot } from '../wal/wal-server.ts';
import { bytesBelow } from './peer.ts';

export interface LarderReceiver extends WalReceiver {
  /** Where its repository lies. */
  readonly repository: string;
  /** Another of its commands, in the same configuration. */
  command(...args: readonly string[]): Command;
}

/** `larder wal receive` as its users run it: as it is installed, into an empty repository, with its defaults. */
export function larderReceiver(bench: Bench, server: BenchServer, segmentSize: number): LarderReceiver {
  const directory = join(server.home.directory, 'larder-receiver');
  const first = `${directory}.first`;
  const repository = join(directory, 'backups');
  const environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: repository,
    LARDER_STATE_DIR: join(directory, 'state'),
    HOME: directory,
  };
  const command = (...args: readonly string[]): Command => ({
    program: bench.larder,
    args,
    environment,
    user: undefined,
    signal: bench.signal,
  });
  const start = (): Background => startBackground(command('wal', 'receive'));
  let slot: string | undefined;
  const remove = async (): Promise<void> => {
    if (slot !== undefined) await dropSlot(server, slot);
    slot = undefined;
    await rm(directory, { recursive: true, force: true });
    await rm(first, { recursive: true, force: true });
  };
  return {
    name: 'Larder',
    version: packageFile.version,
    repository,
    command,
    prepare: async () => {
      await remove();
      await mkdir(directory, { mode: 0o700 });
      slot = await firstStart(server, start());
      await cp(directory, first, { recursive: true });
    },
    rewind: async () => {
      await rm(directory, { recursive: true, force: true });
      await cp(first, directory, { recursive: true });
    },
    slot: () => slot ?? '',
    start,
    segmentDirectory: async () => {
      const identifier = await systemIdentifier(server);
      const any = walSegmentObject(identifier, { timeline: 1, number: 1n }, segmentSize);
      return join(repository, dirname(any));
    },
    storedBytes: async () => bytesBelow(join(repository, 'transaction_logs')),
    remove,
  };
}

/** Its repository and its slot come to be when it runs for the first time; the slot's name is its own choice. */
async function firstStart(server: BenchServer, background: Background): Promise<string> {
  try {
    await using session = await openInstanceSession(server.connection);
    const { slot } = await untilCaughtUp(session, { background });
    await background.stop();
    return slot;
  } catch (error) {
    await background.kill();
    throw error;
  }
}

async function systemIdentifier(server: BenchServer): Promise<string> {
  const [row] = await server.execute('SELECT system_identifier AS id FROM pg_control_system()');
  return String(row?.['id']);
}
