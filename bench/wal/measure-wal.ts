import { larderReceiver } from '../peers/larder-receiver.ts';
import { pgReceivewal } from '../peers/pg-receivewal.ts';
import type { Bench, BenchServer } from '../server.ts';
import { measureCatchUp, type CatchUpRuns } from './catch-up.ts';
import { measureLag, measureLoad, type LagRun, type LoadRuns } from './lag.ts';
import { measureReplay, type ReplayRuns } from './replay.ts';
import type { WalReceiver } from './receiver.ts';
import { measureSync, type SyncRuns } from './sync.ts';
import { startWalServer } from './wal-server.ts';

export const WAL_PARTS = ['wal-lag', 'wal-sync', 'wal-catch-up', 'wal-replay'] as const;

export type WalPart = (typeof WAL_PARTS)[number];

/** What the parts that ran found. */
export interface WalFindings {
  readonly lag?: LagRun;
  readonly load?: readonly LoadRuns[];
  readonly sync?: readonly SyncRuns[];
  readonly catchUp?: { readonly walBytes: number; readonly receivers: readonly CatchUpRuns[] };
  readonly replay?: readonly ReplayRuns[];
}

export interface WalOptions {
  readonly parts: readonly WalPart[];
  readonly rounds: number;
  readonly report: (line: string) => void;
}

/** PostgreSQL's default, bytes. */
const SEGMENT_SIZE = 16 * 1024 * 1024;
const CATCH_UP_BYTES = 4e9;
const REPLAY_BYTES = 2e9;

/**
 * Everything of the transaction log, on one server that grows from part to part. `undefined` where the installation has
 * neither pg_receivewal nor pgbench.
 */
export async function measureWal(bench: Bench, options: WalOptions): Promise<WalFindings | undefined> {
  const { parts, rounds, report } = options;
  report('building a cluster for the transaction log');
  await using server = await startWalServer(bench);
  const ours = larderReceiver(bench, server, SEGMENT_SIZE);
  const theirs = await pgReceivewal(bench, server, []);
  const synchronous = await pgReceivewal(bench, server, ['--synchronous']);
  if (theirs === undefined || synchronous === undefined) return undefined;
  const wants = (part: WalPart): boolean => parts.includes(part);
  const large = { segmentSize: SEGMENT_SIZE, rounds, report };
  return {
    ...(wants('wal-lag') ? await lagAndLoad(bench, server, [ours, theirs, synchronous], options) : {}),
    ...(wants('wal-sync')
      ? {
          sync: await withPrepared([ours, synchronous], async (receivers) =>
            measureSync(bench, server, receivers, options),
          ),
        }
      : {}),
    ...(wants('wal-replay')
      ? { replay: await measureReplay(bench, server, ours, { ...large, bytes: REPLAY_BYTES }) }
      : {}),
    ...(wants('wal-catch-up')
      ? { catchUp: await measureCatchUp(server, [ours, theirs], { ...large, bytes: CATCH_UP_BYTES }) }
      : {}),
  };
}

async function lagAndLoad(
  bench: Bench,
  server: BenchServer,
  all: readonly [WalReceiver, ...WalReceiver[]],
  options: WalOptions,
): Promise<Pick<WalFindings, 'lag' | 'load'>> {
  return withPrepared(all, async (receivers) => {
    const lag = await measureLag(bench, server, all[0]);
    options.report(`60 s of pgbench: p99 ${lag.p99.toFixed(0)} ms, ${lag.rate.toFixed(0)} TPS`);
    return { lag, load: await measureLoad(bench, server, receivers, options) };
  });
}

async function withPrepared<Result>(
  receivers: readonly WalReceiver[],
  action: (receivers: readonly WalReceiver[]) => Promise<Result>,
): Promise<Result> {
  try {
    for (const receiver of receivers) await receiver.prepare();
    return await action(receivers);
  } finally {
    for (const receiver of receivers) await receiver.remove();
  }
}
