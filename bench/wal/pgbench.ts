import { join } from 'node:path';
import { run } from '../child.ts';
import type { Bench, BenchServer } from '../server.ts';

export interface Load {
  readonly clients: number;
  readonly seconds: number;
  /** A file that the server's account may read; without it pgbench's own transaction, `TPC-B (sort of)`. */
  readonly script?: string;
}

/** Runs pgbench on the tables of `fillCluster`: transactions per second, without the time to connect. */
export async function runPgbench(bench: Bench, server: BenchServer, load: Load): Promise<number> {
  const output = await run({
    program: join(bench.binaries.directory, 'pgbench'),
    args: [
      '--no-vacuum',
      `--client=${load.clients}`,
      `--jobs=${Math.min(load.clients, 2)}`,
      `--time=${load.seconds}`,
      ...(load.script === undefined ? [] : [`--file=${load.script}`]),
      server.connection,
    ],
    user: bench.user,
    signal: bench.signal,
  });
  return parseTransactionRate(output);
}

/** The rate in pgbench's report. Throws an Error when there is none, or transactions failed. */
export function parseTransactionRate(output: string): number {
  const failed = /^number of failed transactions: (\d+)/m.exec(output)?.[1] ?? '0';
  const rate = /^tps = ([\d.]+) \(without initial connection time\)$/m.exec(output)?.[1];
  if (rate === undefined || failed !== '0') throw new Error(`pgbench did not do its work:\n${output}`);
  return Number(rate);
}
