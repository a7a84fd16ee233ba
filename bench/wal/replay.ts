import { appendFile, chown, copyFile, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { quoteSetting } from '../../src/postgres/server/initialize-cluster.ts';
import {
  makePrivateDirectory,
  prepareInstanceHome,
  removeInstanceHome,
  type InstanceHome,
} from '../../src/postgres/server/instance-home.ts';
import { canReach } from '../../src/postgres/server/instance-user.ts';
import { startInstance } from '../../src/postgres/server/instance.ts';
import { reachableBinaries } from '../../src/postgres/server/reachable-binaries.ts';
import { segmentsOfRange } from '../../src/postgres/wal-segment.ts';
import { run } from '../child.ts';
import type { LarderReceiver } from '../peers/larder-receiver.ts';
import { residentBytes } from '../process-tree.ts';
import { rotated } from '../rounds.ts';
import type { Bench, BenchServer } from '../server.ts';
import { generateWal } from './generate.ts';
import { withReceiver } from './receiver.ts';
import { readReplay, REPLAY_LOG_SETTINGS, type Replay } from './replay-log.ts';
import { untilStored } from './stored-segments.ts';
import { flushedLsn, keepWal, releaseWal, switchSegment } from './wal-server.ts';

export interface ReplayRun extends Replay {
  /** Of the process that fetches; `undefined` when there is none. */
  readonly peakBytes: number | undefined;
}

/** Replays of the same WAL from the same restored base, a round each. */
export interface ReplayRuns {
  /** What delivers the WAL to the server. */
  readonly command: string;
  readonly replays: readonly ReplayRun[];
}

export interface ReplayOptions {
  readonly bytes: number;
  readonly segmentSize: number;
  readonly rounds: number;
  readonly report: (line: string) => void;
}

const START_PATIENCE = 300_000;
const FETCH_PATIENCE = 30_000;
const PROGRAM = join(import.meta.dirname, '../../scripts/larder-wal-fetch');

/** What both commands work from. */
interface Prepared {
  /** As `larder restore` left it, never started. */
  readonly base: string;
  /** The WAL behind it as plain files. */
  readonly segments: string;
}

/** A backup, `bytes` of WAL behind it, and its replay through our command and through `cp`, alternating. */
export async function measureReplay(
  bench: Bench,
  server: BenchServer,
  receiver: LarderReceiver,
  options: ReplayOptions,
): Promise<ReplayRuns[]> {
  const { rounds, report } = options;
  const prepared = { base: join(bench.directory, 'base'), segments: join(bench.directory, 'segments') };
  try {
    await archive(bench, server, receiver, { ...options, segments: prepared.segments });
    const owner = bench.user === undefined ? [] : ['--owner', bench.user.name];
    await run(receiver.command('restore', 'latest', '--to-dir', prepared.base, ...owner));
    await openRepository(bench, receiver.repository);
    // the first of all would pay for memory that the machine's host gives out only now
    await replayOnce(bench, prepared, true);
    const runs = ['larder', 'cp'].map((command) => ({ command, replays: [] as ReplayRun[] }));
    for (let round = 0; round < rounds; round++) {
      for (const { command, replays } of rotated(runs, round)) {
        const replay = await replayOnce(bench, prepared, command === 'cp');
        replays.push(replay);
        report(`round ${round + 1}: through ${command}: ${replay.totalSeconds.toFixed(1)} s`);
      }
    }
    return runs;
  } finally {
    await rm(prepared.base, { recursive: true, force: true });
    await rm(prepared.segments, { recursive: true, force: true });
    await receiver.remove();
    await releaseWal(server);
  }
}

/** The receiver has all of it when this returns, and is gone. */
async function archive(
  bench: Bench,
  server: BenchServer,
  receiver: LarderReceiver,
  { bytes, segmentSize, segments }: ReplayOptions & { readonly segments: string },
): Promise<void> {
  await keepWal(server);
  const begin = await flushedLsn(server);
  await receiver.prepare();
  await run(receiver.command('backup', '--full'));
  const changed = await switchSegment(server, segmentSize);
  await generateWal(server, bytes);
  const end = await switchSegment(server, segmentSize);
  await withReceiver(server, receiver, async (_session, background) =>
    untilStored(receiver, background, new Set(segmentsOfRange(1, changed, end, segmentSize))),
  );
  // the receiver has kept the tail of the last one too: its last record is what both replay to
  await makePrivateDirectory(segments, bench.user);
  for (const name of segmentsOfRange(1, begin, (await flushedLsn(server)) + 1n, segmentSize)) {
    const copy = join(segments, name);
    await copyFile(join(server.home.dataDirectory, 'pg_wal', name), copy);
    if (bench.user !== undefined) await chown(copy, bench.user.uid, bench.user.gid);
  }
}

/** The restored server asks for its WAL under its own account, so that account reads the repository. */
async function openRepository({ user, signal }: Bench, repository: string): Promise<void> {
  if (user === undefined) return;
  if (!(await canReach(PROGRAM, user))) throw new Error(`the user ${user.name} cannot run ${PROGRAM}`);
  const args = ['-R', `${user.uid}:${user.gid}`, dirname(repository)];
  await run({ program: 'chown', args, user: undefined, signal });
}

async function replayOnce(bench: Bench, { base, segments }: Prepared, withCp: boolean): Promise<ReplayRun> {
  const { user, signal } = bench;
  const home = await prepareInstanceHome(join(bench.directory, 'replayed'), user);
  try {
    const copy = (...args: string[]): Promise<string> =>
      run({ program: 'cp', args, user: undefined, signal });
    await copy('-a', base, home.dataDirectory);
    if (withCp) {
      const command = quoteSetting(`cp "${join(segments, '%f')}" "%p"`);
      await appendFile(join(home.dataDirectory, 'postgresql.auto.conf'), `restore_command = ${command}\n`);
    }
    await run({ program: 'sync', args: [], user: undefined, signal });
    // without hot_standby it answers when the recovery is over
    await using instance = await startInstance({
      binaries: await reachableBinaries(bench.binaries, home),
      home,
      settings: { ...REPLAY_LOG_SETTINGS, hot_standby: 'off' },
      startTimeout: START_PATIENCE,
      clock: systemClock,
      signal,
    });
    const peakBytes = await endFetchServer(home, async () => instance.stop('immediate'));
    return { ...readReplay(await readFile(home.logFile, 'utf8')), peakBytes };
  } finally {
    await removeInstanceHome(home);
  }
}

/** Ends the server, and the process that fetched for it and does not end with it at once: that one's peak, bytes. */
async function endFetchServer(
  { dataDirectory }: InstanceHome,
  endServer: () => Promise<void>,
): Promise<number | undefined> {
  const file = join(dataDirectory, 'pg_wal', 'larder_fetch', 'server');
  const text = await readFile(file, 'utf8').catch(() => '');
  const processId = Number(/^\d+/.exec(text)?.[0]);
  const peakBytes = processId > 0 ? residentBytes(processId) : 0;
  await endServer();
  const deadline = performance.now() + FETCH_PATIENCE;
  while (peakBytes > 0 && residentBytes(processId) > 0) {
    if (performance.now() > deadline) throw new Error(`the fetch server ${processId} outlives its server`);
    await delay(50);
  }
  return peakBytes > 0 ? peakBytes : undefined;
}
