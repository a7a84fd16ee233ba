import { expect } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backUp, makeScratch, repositoryAt } from '../backup-runner.ts';
import { startServer, type TestServer } from '../postgres-server.ts';
import { rollForward } from '../rolled-forward.ts';
import { until } from '../until.ts';
import { KillableReceiver, SynchronousCommits } from './synchronous-commits.ts';

export interface SynchronousKills {
  readonly receiverKills: number;
  readonly serverKills: number;
}

export interface KillReport {
  readonly acknowledged: number;
  readonly restored: number;
  /** Numbers whose commit was acknowledged and that are not in the restored copy. */
  readonly lost: readonly number[];
}

/** Milliseconds between two kills: random, since what matters is where in a write or flush they hit. */
const SHORTEST = 150;
const SPREAD = 450;

/**
 * Commits under load on a server that waits for the receiver, while receiver and server are killed again and again; at
 * last both at once. Then a receiver is started with the server gone, which stores what the spool holds, and the last
 * full backup is restored to the end of the archive.
 */
export async function killUnderSynchronousLoad(kills: SynchronousKills): Promise<KillReport> {
  await using scratch = await makeScratch();
  await using server = await startServer({ major: 18, walSegmentSizeMb: 1 });
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const workingDirectory = await mkdtemp(join(tmpdir(), 'larder-synchronous-'));
  const receiver = new KillableReceiver({
    workingDirectory,
    environment: {
      DATABASE_URL: server.connection,
      BACKUP_DIR: repository.location.directory,
      LARDER_STATE_DIR: join(workingDirectory, 'state'),
      LARDER_WAL_TAIL_INTERVAL: '1s',
    },
  });
  try {
    await server.query('CREATE TABLE commits (number bigint PRIMARY KEY)');
    receiver.start();
    await waitForStandby(server);
    await backUp(repository, server.connection);
    await server.query(`ALTER SYSTEM SET synchronous_standby_names = 'larder'`);
    await server.query('SELECT pg_reload_conf()');
    const commits = new SynchronousCommits(server);
    commits.start();
    await killByTurns(kills, { server, receiver });
    await receiver.kill();
    await server.kill();
    await commits.stop();
    await drain(receiver, join(workingDirectory, 'state'));
    await using copy = await rollForward(repositoryAt(repository.location.directory), {});
    const rows = await copy.query('SELECT number FROM commits');
    const restored = new Set(rows.map((row) => Number(row['number'])));
    expect(receiver.told).not.toContain('WAL is lost');
    const lost = [...commits.acknowledged].filter((number) => !restored.has(number));
    return { acknowledged: commits.acknowledged.size, restored: restored.size, lost };
  } finally {
    await receiver.kill();
    await rm(workingDirectory, { recursive: true, force: true });
  }
}

async function killByTurns(
  { receiverKills, serverKills }: SynchronousKills,
  { server, receiver }: { readonly server: TestServer; readonly receiver: KillableReceiver },
): Promise<void> {
  const serverEvery = Math.max(1, Math.floor(receiverKills / Math.max(1, serverKills)));
  let servers = 0;
  for (let kill = 1; kill <= receiverKills; kill++) {
    await delay(SHORTEST + Math.random() * SPREAD);
    if (kill % serverEvery === 0 && servers < serverKills) {
      servers++;
      await Promise.all([receiver.kill(), server.kill()]);
      await server.restart();
    } else await receiver.kill();
    receiver.start();
    await waitForStandby(server);
  }
}

/** The server streams to the receiver. */
async function waitForStandby(server: TestServer): Promise<void> {
  const text = `SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name = 'larder'`;
  for (let patience = 0; patience < 6; patience++) {
    const there = until(async () => (await server.query(text)).length > 0);
    if (
      await there.then(
        () => true,
        () => false,
      )
    )
      return;
  }
  throw new Error('no receiver came up in 30 s');
}

/** Starts a receiver whose server is gone, until nothing is left in the spool. */
async function drain(receiver: KillableReceiver, state: string): Promise<void> {
  receiver.start();
  const [spool] = readdirSync(join(state, 'spool'));
  const directory = join(state, 'spool', spool ?? '');
  await until(() => !readdirSync(directory).some((name) => /^[0-9A-F]{24}$/.test(name)));
  await receiver.stop();
}
