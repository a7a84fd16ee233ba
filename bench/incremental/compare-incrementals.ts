import { parseLsn } from '../../src/postgres/lsn.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import type { Measurement } from '../measure.ts';
import type { LarderPeer } from '../peers/larder.ts';
import type { AddedBytes } from '../peers/peer.ts';
import { rotated } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { changedBytes, digestCluster, type ClusterDigests } from './changed-bytes.ts';
import type { Contender } from './contender.ts';
import { insertNewOrders } from './new-orders.ts';

/** One contender's backups, one after each change. */
export interface IncrementalRuns {
  readonly name: string;
  readonly version: string;
  readonly backups: readonly Measurement[];
  readonly added: readonly AddedBytes[];
}

/** What one change was, bytes. */
export interface Change {
  /** Of blocks that differ between the data directory after the change and the one after the change before it. */
  readonly blockBytes: number;
  /** From the start of our backup to its stop. */
  readonly logBytes: number;
}

export interface Unchanged {
  /** Of an incremental backup that follows another one at once. */
  readonly addedBytes: number;
  /** Of the chain's full backup. */
  readonly fullBytes: number;
}

export interface ComparedIncrementals {
  readonly contenders: readonly IncrementalRuns[];
  readonly changes: readonly Change[];
  readonly unchanged: Unchanged;
}

export interface Comparison {
  readonly server: BenchServer;
  /** One of the contenders builds its chain in this one's repository. */
  readonly ours: LarderPeer;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly report: (line: string) => void;
}

interface Course {
  readonly contender: Contender;
  readonly backups: Measurement[];
  readonly added: AddedBytes[];
}

/** Each round: a change, the same for all since it is made once, then every contender's backup of it, alternating. */
export async function compareIncrementals(comparison: Comparison): Promise<ComparedIncrementals> {
  const { server, ours, contenders, rounds, report } = comparison;
  for (const contender of contenders) {
    await server.settle();
    await contender.begin();
  }
  const { bytes: fullBytes } = await ours.addedBytes();
  const courses = contenders.map((contender): Course => ({ contender, backups: [], added: [] }));
  const changes: Change[] = [];
  let before = await digestSettled(server);
  for (let round = 0; round < rounds; round++) {
    await insertNewOrders(server);
    const after = await digestSettled(server);
    const blockBytes = changedBytes(before, after);
    before = after;
    for (const course of rotated(courses, round)) {
      const { wallSeconds } = await takeBackup(server, course);
      report(`round ${round + 1}: ${course.contender.name}: ${wallSeconds.toFixed(2)} s`);
    }
    changes.push({ blockBytes, logBytes: logBytes((await ours.backups()).at(-1)) });
  }
  const addedBytes = await addedWithoutChange(server, ours);
  return { contenders: courses.map(runsOf), changes, unchanged: { addedBytes, fullBytes } };
}

function runsOf({ contender: { name, version }, backups, added }: Course): IncrementalRuns {
  return { name, version, backups, added };
}

async function takeBackup(server: BenchServer, { contender, backups, added }: Course): Promise<Measurement> {
  await contender.ready();
  await server.settle();
  const measurement = await contender.backup();
  backups.push(measurement);
  added.push(await contender.addedBytes());
  return measurement;
}

async function addedWithoutChange(server: BenchServer, ours: LarderPeer): Promise<number> {
  await server.settle();
  await ours.incremental();
  return (await ours.addedBytes()).bytes;
}

async function digestSettled(server: BenchServer): Promise<ClusterDigests> {
  await server.settle();
  return digestCluster(server.home.dataDirectory);
}

function logBytes(record: CommitRecord | undefined): number {
  const [start, stop] = [parseLsn(record?.startLsn ?? ''), parseLsn(record?.stopLsn ?? '')];
  if (start === undefined || stop === undefined) throw new Error('Larder has no backup');
  return Number(stop - start);
}
