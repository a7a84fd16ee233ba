import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Measurement } from '../measure.ts';
import type { LarderPeer } from '../peers/larder.ts';
import { rotated } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { changedBytes, digestCluster, type ClusterDigests } from './changed-bytes.ts';
import { insertNewOrders } from './new-orders.ts';

/** Incremental backups behind the full one. */
export const CHAIN_LENGTH = 7;

/** Restores of one chain, a round each. */
export interface ChainRestores {
  readonly full: readonly Measurement[];
  /** Of the newest backup, into an empty directory. */
  readonly tip: readonly Measurement[];
  /** Of the newest backup, over a copy of the one before it; `undefined` where there is no `restore --delta`. */
  readonly delta: readonly Measurement[] | undefined;
  /** The same over a copy of the full one. */
  readonly deltaOverFull: readonly Measurement[] | undefined;
}

interface ChainIds {
  readonly full: string;
  readonly yesterday: string;
  readonly tip: string;
}

interface Course {
  readonly name: string;
  readonly found: Measurement[];
  readonly restore: (target: string) => Promise<Measurement>;
}

export async function measureChainRestores(
  server: BenchServer,
  ours: LarderPeer,
  { rounds, report }: { readonly rounds: number; readonly report: (line: string) => void },
): Promise<ChainRestores> {
  const ids = await makeChain(server, ours, report);
  const isDeltaBuilt = await ours.hasDelta();
  const courses = coursesOf(server, ours, ids).filter(({ name }) => isDeltaBuilt || !DELTAS.includes(name));
  const target = join(server.home.directory, 'restored');
  // the first of all would pay for memory that the machine's host gives out only now
  const expected = await restoredOnce(target, async () => {
    await ours.restoreOf(ids.tip, target);
    return digestCluster(target);
  });
  for (let round = 0; round < rounds; round++) {
    for (const { name, found, restore } of rotated(courses, round)) {
      const measurement = await restoredOnce(target, async () => {
        const measured = await restore(target);
        await stat(join(target, 'global', 'pg_control'));
        if (name !== FULL) assertSame(expected, await digestCluster(target), name);
        return measured;
      });
      found.push(measurement);
      report(`round ${round + 1}: restore of ${name}: ${measurement.wallSeconds.toFixed(2)} s`);
    }
  }
  const runsOf = (wanted: string): readonly Measurement[] =>
    courses.find(({ name }) => name === wanted)?.found ?? [];
  return {
    full: runsOf(FULL),
    tip: runsOf(TIP),
    delta: isDeltaBuilt ? runsOf(DELTA) : undefined,
    deltaOverFull: isDeltaBuilt ? runsOf(DELTA_OVER_FULL) : undefined,
  };
}

const FULL = 'the full backup';
const TIP = 'the tip';
const DELTA = 'the tip over a copy';
const DELTA_OVER_FULL = 'the tip over a copy of the full backup';
const DELTAS: readonly string[] = [DELTA, DELTA_OVER_FULL];

async function makeChain(
  server: BenchServer,
  ours: LarderPeer,
  report: (line: string) => void,
): Promise<ChainIds> {
  report(`making a chain of ${CHAIN_LENGTH}`);
  await ours.prepare();
  await server.settle();
  await ours.backup();
  for (let link = 0; link < CHAIN_LENGTH; link++) {
    await insertNewOrders(server);
    await ours.incremental();
  }
  const [full = '', ...incremental] = (await ours.backups()).map(({ id }) => id);
  return { full, yesterday: incremental.at(-2) ?? '', tip: incremental.at(-1) ?? '' };
}

function coursesOf(server: BenchServer, ours: LarderPeer, ids: ChainIds): Course[] {
  const fresh = (id: string) => async (target: string) => {
    await server.settle();
    return ours.restoreOf(id, target);
  };
  const over = (id: string) => async (target: string) => {
    await ours.restoreOf(id, target);
    await server.settle();
    return ours.restoreOf(ids.tip, target, '--delta');
  };
  return [
    { name: FULL, found: [], restore: fresh(ids.full) },
    { name: TIP, found: [], restore: fresh(ids.tip) },
    { name: DELTA, found: [], restore: over(ids.yesterday) },
    { name: DELTA_OVER_FULL, found: [], restore: over(ids.full) },
  ];
}

async function restoredOnce<Result>(target: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

/** A restore that left something of the earlier copy must not win. */
function assertSame(expected: ClusterDigests, found: ClusterDigests, what: string): void {
  if (found.size === expected.size && changedBytes(expected, found) === 0) return;
  throw new Error(`the restore of ${what} is not what the first restore of the same backup was`);
}
