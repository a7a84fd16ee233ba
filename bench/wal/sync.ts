import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceSession } from '../../src/postgres/server/instance-session.ts';
import type { Background } from '../background.ts';
import { rotated } from '../rounds.ts';
import type { Bench, BenchServer } from '../server.ts';
import { runPgbench } from './pgbench.ts';
import { untilAttached, withReceiver, type WalReceiver } from './receiver.ts';

/** Commits per second while each waits for one receiver, a round each. */
export interface SyncRuns {
  readonly receiver: string;
  /** By the number of clients. */
  readonly rates: ReadonlyMap<number, readonly number[]>;
  readonly peakBytes: number;
}

const CLIENTS = [1, 4];
const SECONDS = 5;

/** Each of the prepared receivers in turn as the only synchronous standby of single-row inserts. */
export async function measureSync(
  bench: Bench,
  server: BenchServer,
  receivers: readonly WalReceiver[],
  { rounds, report }: { readonly rounds: number; readonly report: (line: string) => void },
): Promise<SyncRuns[]> {
  const script = join(bench.directory, 'insert.sql');
  await writeFile(script, 'INSERT INTO commits (value) VALUES (1);\n');
  await chmod(script, 0o644);
  await server.execute('CREATE TABLE commits (id bigint GENERATED ALWAYS AS IDENTITY, value int)');
  const runs = receivers.map((receiver) => ({
    receiver,
    rates: new Map(CLIENTS.map((clients): [number, number[]] => [clients, []])),
    peaks: [0],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { receiver, rates, peaks } of rotated(runs, round)) {
      const { peakBytes } = await withReceiver(server, receiver, async (session, background) => {
        await server.settle();
        await asStandby(session, { background, slot: receiver.slot() }, async () => {
          for (const [clients, found] of rates) {
            const rate = await runPgbench(bench, server, { clients, seconds: SECONDS, script });
            found.push(rate);
            report(
              `round ${round + 1}: ${receiver.name}, ${clients} clients: ${rate.toFixed(0)} commits a second`,
            );
          }
        });
      });
      peaks.push(peakBytes);
    }
  }
  return runs.map(({ receiver, rates, peaks }) => ({
    receiver: receiver.name,
    rates,
    peakBytes: Math.max(...peaks),
  }));
}

/** Nobody's commit waits any more when this returns: not for a receiver that is about to end. */
async function asStandby(
  session: InstanceSession,
  receiver: { readonly background: Background; readonly slot: string },
  action: () => Promise<void>,
): Promise<void> {
  const { applicationName } = await untilAttached(session, receiver, () => true);
  try {
    await session.query(`ALTER SYSTEM SET synchronous_standby_names = '"${applicationName}"'`);
    await session.query('SELECT pg_reload_conf()');
    await untilAttached(session, receiver, ({ syncState }) => syncState === 'sync');
    await action();
  } finally {
    await session.query('ALTER SYSTEM RESET synchronous_standby_names');
    await session.query('SELECT pg_reload_conf()');
    await untilAttached(session, receiver, ({ syncState }) => syncState === 'async');
  }
}
