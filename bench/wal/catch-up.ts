import { setTimeout as delay } from 'node:timers/promises';
import type { Lsn } from '../../src/postgres/lsn.ts';
import { openInstanceSession, type InstanceSession } from '../../src/postgres/server/instance-session.ts';
import { segmentsOfRange } from '../../src/postgres/wal-segment.ts';
import type { Background } from '../background.ts';
import { rotated } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { generateWal } from './generate.ts';
import { attachment, type WalReceiver } from './receiver.ts';
import { notStored } from './stored-segments.ts';
import { keepWal, releaseWal, rewindSlot, switchSegment } from './wal-server.ts';

/** A receiver that was away while the server went on, from its start until it had everything. */
export interface CatchUp {
  /** Until the last segment lay under its own name. */
  readonly seconds: number;
  /** Until the server was told that everything is durable. */
  readonly confirmedSeconds: number;
  /** Without the server's. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly storedBytes: number;
}

export interface CatchUpRuns {
  readonly receiver: string;
  readonly runs: readonly CatchUp[];
}

/** WAL that all receivers are to read: whole segments from `begin` to `end`. */
interface Stretch {
  readonly begin: Lsn;
  readonly end: Lsn;
  readonly segmentSize: number;
}

/** Seconds. */
const PATIENCE = 300;
const LOOK_INTERVAL = 20;

/**
 * Prepares the receivers, makes `bytes` of WAL while none of them runs, and lets each catch up from the same position,
 * alternating.
 *
 * @returns also how much there was to read, whole segments
 */
export async function measureCatchUp(
  server: BenchServer,
  receivers: readonly WalReceiver[],
  { bytes, segmentSize, rounds, report }: CatchUpOptions,
): Promise<{ readonly walBytes: number; readonly receivers: CatchUpRuns[] }> {
  await keepWal(server);
  for (const receiver of receivers) await receiver.prepare();
  const begin = await switchSegment(server, segmentSize);
  await generateWal(server, bytes);
  const stretch = { begin, end: await switchSegment(server, segmentSize), segmentSize };
  report(`made ${Number(stretch.end - begin) / 1e6} MB of WAL`);
  // the first of all would pay for memory that the machine's host gives out only now
  for (const receiver of receivers.slice(-1)) await catchUpAnew(server, receiver, stretch);
  const runs = receivers.map((receiver) => ({ receiver, found: [] as CatchUp[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { receiver, found } of rotated(runs, round)) {
      const run = await catchUpAnew(server, receiver, stretch);
      found.push(run);
      report(`round ${round + 1}: ${receiver.name}: ${run.seconds.toFixed(1)} s`);
    }
  }
  for (const receiver of receivers) await receiver.remove();
  await releaseWal(server);
  return {
    walBytes: Number(stretch.end - begin),
    receivers: runs.map(({ receiver, found }) => ({ receiver: receiver.name, runs: found })),
  };
}

export interface CatchUpOptions {
  readonly bytes: number;
  readonly segmentSize: number;
  readonly rounds: number;
  readonly report: (line: string) => void;
}

async function catchUpAnew(server: BenchServer, receiver: WalReceiver, stretch: Stretch): Promise<CatchUp> {
  await receiver.rewind();
  await rewindSlot(server, receiver.slot());
  await server.settle();
  return catchUp(server, receiver, stretch);
}

async function catchUp(server: BenchServer, receiver: WalReceiver, stretch: Stretch): Promise<CatchUp> {
  await using session = await openInstanceSession(server.connection);
  const begun = performance.now();
  const background = receiver.start();
  try {
    const times = await untilComplete(session, { receiver, background, stretch, begun });
    const consumption = await background.stop();
    return { ...times, ...consumption, storedBytes: await receiver.storedBytes() };
  } catch (error) {
    await background.kill();
    throw error;
  }
}

interface Started {
  readonly receiver: WalReceiver;
  readonly background: Background;
  readonly stretch: Stretch;
  readonly begun: number;
}

async function untilComplete(
  session: InstanceSession,
  { receiver, background, stretch, begun }: Started,
): Promise<Pick<CatchUp, 'seconds' | 'confirmedSeconds'>> {
  let missing = new Set(segmentsOfRange(1, stretch.begin, stretch.end, stretch.segmentSize));
  let [seconds, confirmedSeconds]: (number | undefined)[] = [];
  for (;;) {
    await background.assertRunning();
    const elapsed = (performance.now() - begun) / 1000;
    missing = await notStored(receiver, missing);
    if (missing.size === 0) seconds ??= (performance.now() - begun) / 1000;
    const found = await attachment(session, receiver.slot());
    if (found !== undefined && found.flushed >= stretch.end) confirmedSeconds ??= elapsed;
    if (seconds !== undefined && confirmedSeconds !== undefined) return { seconds, confirmedSeconds };
    if (elapsed > PATIENCE) throw new Error(`${receiver.name} has not caught up in ${PATIENCE} s`);
    await delay(LOOK_INTERVAL);
  }
}
