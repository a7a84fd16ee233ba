import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Measurement } from './measure.ts';
import type { Peer } from './peers/peer.ts';
import type { BenchServer } from './server.ts';

/** One peer's measurements, a round each. */
export interface PeerRuns {
  readonly name: string;
  readonly version: string;
  readonly backups: readonly Measurement[];
  readonly storedBytes: readonly number[];
  /** Empty when it cannot restore, or was not asked to. */
  readonly restores: readonly Measurement[];
}

export interface Round {
  readonly backup: Measurement;
  readonly storedBytes: number;
  readonly restore: Measurement | undefined;
}

/** One backup and, when `withRestore`, one restore of it, each from the same quiet state. */
export async function runOnce(peer: Peer, server: BenchServer, withRestore: boolean): Promise<Round> {
  await peer.prepare();
  await server.settle();
  const backup = await peer.backup();
  const storedBytes = await peer.storedBytes();
  const restore = withRestore ? await restoreAndRemove(peer, server) : undefined;
  return { backup, storedBytes, restore };
}

/**
 * Every peer once a round. Who goes first moves on by one each round, so that what drifts (the disk's free space, the
 * machine's heat, a neighbour) does not always meet the same peer.
 */
export async function runRounds(
  peers: readonly Peer[],
  server: BenchServer,
  options: {
    readonly rounds: number;
    readonly withRestore: boolean;
    readonly report: (line: string) => void;
  },
): Promise<PeerRuns[]> {
  const results = new Map<Peer, Round[]>(peers.map((peer) => [peer, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const peer of rotated(peers, round)) {
      const result = await runOnce(peer, server, options.withRestore);
      results.get(peer)?.push(result);
      options.report(`round ${round + 1}: ${peer.name}: ${describeRound(result)}`);
    }
  }
  return [...results].map(([{ name, version }, runs]) => ({
    name,
    version,
    backups: runs.map(({ backup }) => backup),
    storedBytes: runs.map(({ storedBytes }) => storedBytes),
    restores: runs.flatMap(({ restore }) => restore ?? []),
  }));
}

function describeRound({ backup, restore }: Round): string {
  const restored = restore === undefined ? '' : `, restore ${restore.wallSeconds.toFixed(1)} s`;
  return `backup ${backup.wallSeconds.toFixed(1)} s${restored}`;
}

/** The same values, beginning `by` further on. */
export function rotated<Value>(values: readonly Value[], by: number): Value[] {
  const first = by % values.length;
  return [...values.slice(first), ...values.slice(0, first)];
}

async function restoreAndRemove(peer: Peer, server: BenchServer): Promise<Measurement | undefined> {
  if (peer.restore === undefined) return undefined;
  const target = join(server.home.directory, 'restored');
  try {
    await server.settle();
    const measurement = await peer.restore(target);
    // a program that did nothing must not win
    await stat(join(target, 'global', 'pg_control'));
    return measurement;
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}
