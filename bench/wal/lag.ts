import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceSession } from '../../src/postgres/server/instance-session.ts';
import type { Background } from '../background.ts';
import { percentile } from '../percentile.ts';
import { rotated } from '../rounds.ts';
import type { Bench, BenchServer } from '../server.ts';
import { runPgbench } from './pgbench.ts';
import { attachment, withReceiver, type WalReceiver } from './receiver.ts';
import { UnconfirmedAge } from './unconfirmed-age.ts';
import { flushedLsn, lsnOf } from './wal-server.ts';

/** How old the oldest change was that was not durable at the receiver, during one load. */
export interface LagRun {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly highest: number;
  readonly samples: number;
  readonly walBytes: number;
  readonly rate: number;
  readonly peakBytes: number;
}

/** Transactions per second, a round each. */
export interface LoadRuns {
  /** What received the WAL; `undefined` for nothing. */
  readonly receiver: string | undefined;
  readonly rates: readonly number[];
  /** Of the receiver during the load, a round each; without the walsender's. */
  readonly cpuSeconds: readonly number[];
  readonly peakBytes: number;
}

const CLIENTS = 4;
const LAG_SECONDS = 60;
const ROUND_SECONDS = 20;
const SAMPLE_INTERVAL = 100;
/** How often the server is asked meanwhile: the error of an age. */
const LOOK_INTERVAL = 20;

/** One minute of pgbench with a prepared receiver: the ages, sampled every 100 ms. */
export async function measureLag(bench: Bench, server: BenchServer, receiver: WalReceiver): Promise<LagRun> {
  await server.settle();
  const before = await flushedLsn(server);
  const { result, peakBytes } = await withReceiver(server, receiver, async (session, background) => {
    const load = { running: true };
    const pgbench = runPgbench(bench, server, { clients: CLIENTS, seconds: LAG_SECONDS }).finally(() => {
      load.running = false;
    });
    const [rate, ages] = await Promise.all([pgbench, sampleAges(session, { receiver, background, load })]);
    return { rate, ages };
  });
  const { rate, ages } = result;
  return {
    p50: percentile(ages, 50) ?? 0,
    p99: percentile(ages, 99) ?? 0,
    highest: percentile(ages, 100) ?? 0,
    samples: ages.length,
    walBytes: Number((await flushedLsn(server)) - before),
    rate,
    peakBytes,
  };
}

/** The same load with nothing beside it and with each of the prepared receivers in turn. */
export async function measureLoad(
  bench: Bench,
  server: BenchServer,
  receivers: readonly WalReceiver[],
  { rounds, report }: { readonly rounds: number; readonly report: (line: string) => void },
): Promise<LoadRuns[]> {
  const runs = [undefined, ...receivers].map((receiver) => ({
    receiver,
    rates: [] as number[],
    cpuSeconds: [] as number[],
    peaks: [0],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { receiver, rates, cpuSeconds, peaks } of rotated(runs, round)) {
      const load = async (background?: Background): Promise<{ rate: number; cpuSeconds: number }> => {
        await server.settle();
        // not of what it had to catch up on
        const before = background?.cpuSeconds() ?? 0;
        const rate = await runPgbench(bench, server, { clients: CLIENTS, seconds: ROUND_SECONDS });
        return { rate, cpuSeconds: (background?.cpuSeconds() ?? 0) - before };
      };
      const { result, peakBytes } =
        receiver === undefined
          ? { result: await load(), peakBytes: 0 }
          : await withReceiver(server, receiver, async (_session, background) => load(background));
      rates.push(result.rate);
      cpuSeconds.push(result.cpuSeconds);
      peaks.push(peakBytes);
      report(`round ${round + 1}: with ${receiver?.name ?? 'no receiver'}: ${result.rate.toFixed(0)} TPS`);
    }
  }
  return runs.map(({ receiver, rates, cpuSeconds, peaks }) => ({
    receiver: receiver?.name,
    rates,
    cpuSeconds,
    peakBytes: Math.max(...peaks),
  }));
}

interface Observed {
  readonly receiver: WalReceiver;
  readonly background: Background;
  readonly load: { readonly running: boolean };
}

async function sampleAges(session: InstanceSession, observed: Observed): Promise<number[]> {
  const { receiver, background, load } = observed;
  const age = new UnconfirmedAge();
  const ages: number[] = [];
  let nextSample = performance.now() + SAMPLE_INTERVAL;
  while (load.running) {
    await background.assertRunning();
    const [row] = await session.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    age.saw(performance.now(), lsnOf(row?.['lsn']));
    if (performance.now() >= nextSample) {
      const found = await attachment(session, receiver.slot());
      if (found === undefined) throw new Error(`${receiver.name} is not connected any more`);
      ages.push(age.at(performance.now(), found.flushed));
      nextSample += SAMPLE_INTERVAL;
    }
    await delay(LOOK_INTERVAL);
  }
  return ages;
}
