import { LarderError, toLarderError } from '../../errors.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import { parseTimelineHistory, type TimelineHistory } from '../../postgres/timeline-history.ts';
import type { WalSegment } from '../../postgres/wal-segment.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readFramedObject } from '../frames/framed-object.ts';
import type { ArchiveRecord } from './archive-record.ts';
import { contiguousRanges, holesBetween } from './continuity.ts';
import { readPosition, type ReceivedPosition } from './received-position.ts';
import { assertPrunedRecord } from './pruned-log.ts';
import { readHole, type WalHole } from './wal-hole.ts';
import { historyObject, parseWalObject, positionName, walPrefix, type TailRange } from './wal-layout.ts';

/** What a repository holds of one cluster's log, by name; the bytes of segments and tails were not looked at. */
export interface WalIndex {
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly segments: readonly WalSegment[];
  readonly tails: readonly TailRange[];
  /** The ancestry of each timeline whose history is stored. Timeline 1 has none and is never in here. */
  readonly histories: ReadonlyMap<number, TimelineHistory>;
  /** WAL that the receiver itself recorded as lost, oldest first. */
  readonly holes: readonly WalHole[];
  /** By timeline, the position before which retention has removed everything, or is about to: that is not missing. */
  readonly pruned: ReadonlyMap<number, Lsn>;
  /** How far the receiver was, as it said before anything was listed; undefined: never, or it cannot be read. */
  readonly received: ReceivedPosition | undefined;
  /** Histories and records that are there and cannot be read. */
  readonly damaged: readonly LarderError[];
  readonly objects: number;
  /** Of all objects together, as stored. */
  readonly storedBytes: number;
}

type Archive = Pick<ArchiveRecord, 'systemIdentifier' | 'segmentSize'>;

/**
 * Lists the archive and reads its histories and records. A receiver that runs puts a whole segment in the place of its
 * tails while this lists them: what seems to be missing counts as missing once it is so a second time.
 * @throws LarderError whatever the store throws; damaged histories and records are told in the result
 */
export async function readWalIndex(store: ObjectStore, archive: Archive): Promise<WalIndex> {
  let index = await listArchive(store, archive);
  let [before, missing] = ['', whatIsMissing(index)];
  while (missing !== '' && missing !== before) {
    index = await listArchive(store, archive);
    [before, missing] = [missing, whatIsMissing(index)];
  }
  return index;
}

/** Where holes begin, also before the receiver's position; to compare two listings. */
function whatIsMissing(index: WalIndex): string {
  const { received, histories, objects } = index;
  if (received === undefined) return objects === 0 ? '' : 'position';
  const holes = [...new Set([received.timeline, ...histories.keys()])].flatMap((timeline) => {
    const ranges = contiguousRanges(index, timeline, histories.get(timeline) ?? []);
    const known = timeline === received.timeline ? received.stored : 0n;
    const end = ranges.at(-1)?.end ?? 0n;
    return holesBetween(ranges, ranges[0]?.start ?? 0n, end > known ? end : known);
  });
  return holes.map(({ start }) => start).join();
}

async function listArchive(
  store: ObjectStore,
  { systemIdentifier, segmentSize }: Archive,
): Promise<WalIndex> {
  const segments: WalSegment[] = [];
  const tails: TailRange[] = [];
  const histories = new Map<number, TimelineHistory>();
  const holes: WalHole[] = [];
  const pruned = new Map<number, Lsn>();
  const damaged: LarderError[] = [];
  let [objects, storedBytes] = [0, 0];
  // before the listing: what comes in between must not look like something that is missing
  const received = await readPosition(store, systemIdentifier).catch((thrown: unknown) => {
    damaged.push(damageOrThrow(thrown, positionName(systemIdentifier)));
    return undefined;
  });
  for await (const { name, size } of store.list(walPrefix(systemIdentifier))) {
    const object = parseWalObject(name, systemIdentifier, segmentSize);
    if (object === undefined) continue;
    objects++;
    storedBytes += size;
    try {
      if (object.kind === 'segment') segments.push(object.segment);
      else if (object.kind === 'tail') tails.push(object);
      else if (object.kind === 'hole') holes.push(await readHole(store, name));
      else if (object.kind === 'pruned') {
        await assertPrunedRecord(store, name, object);
        pruned.set(object.timeline, maxLsn(object.before, pruned.get(object.timeline)));
      } else histories.set(object.timeline, await readHistory(store, systemIdentifier, object.timeline));
    } catch (thrown) {
      damaged.push(damageOrThrow(thrown, name));
    }
  }
  holes.sort((a, b) => (a.from < b.from ? -1 : 1));
  return {
    systemIdentifier,
    segmentSize,
    segments,
    tails,
    histories,
    holes,
    pruned,
    received,
    damaged,
    objects,
    storedBytes,
  };
}

function maxLsn(a: Lsn, b: Lsn | undefined): Lsn {
  return b === undefined || a > b ? a : b;
}

/** Text of a stored history. Throws OBJECT_MISSING, OBJECT_DAMAGED, the store's errors. */
export async function readHistoryText(
  store: ObjectStore,
  systemIdentifier: string,
  timeline: number,
): Promise<Buffer> {
  const frames: Buffer[] = [];
  const name = historyObject(systemIdentifier, timeline);
  for await (const frame of readFramedObject(store, name, 'history')) frames.push(frame);
  return Buffer.concat(frames);
}

async function readHistory(
  store: ObjectStore,
  systemIdentifier: string,
  timeline: number,
): Promise<TimelineHistory> {
  const text = await readHistoryText(store, systemIdentifier, timeline);
  try {
    return parseTimelineHistory(text.toString('utf8'), timeline);
  } catch (thrown) {
    const name = historyObject(systemIdentifier, timeline);
    throw new LarderError('OBJECT_DAMAGED', `${name}: ${toLarderError(thrown).message}`, { cause: thrown });
  }
}

function damageOrThrow(thrown: unknown, name: string): LarderError {
  const error = toLarderError(thrown);
  // one flipped bit looks like a later release's: either way nobody can read it
  if (error.code === 'REPOSITORY_NEWER_FORMAT') {
    return new LarderError('OBJECT_DAMAGED', `${name} cannot be read: ${error.message}`);
  }
  // an object that was listed and is gone now is as bad as a damaged one; a store that does not answer is no verdict
  if (error.code === 'OBJECT_DAMAGED' || error.code === 'OBJECT_MISSING') return error;
  throw error;
}
