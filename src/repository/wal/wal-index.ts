import { LarderError, toLarderError } from '../../errors.ts';
import { parseTimelineHistory, type TimelineHistory } from '../../postgres/timeline-history.ts';
import type { WalSegment } from '../../postgres/wal-segment.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readFramedObject } from '../frames/framed-object.ts';
import type { ArchiveRecord } from './archive-record.ts';
import { contiguousRanges } from './continuity.ts';
import { readPosition, type ReceivedPosition } from './received-position.ts';
import { readHole, type WalHole } from './wal-hole.ts';
import { historyObject, parseWalObject, walPrefix, type TailRange } from './wal-layout.ts';

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
  /** How far the receiver said that everything is stored; undefined: it never did, or it cannot be read. */
  readonly position?: ReceivedPosition | undefined;
  /** Histories, records of holes and the position that are there and cannot be read. */
  readonly damaged: readonly LarderError[];
  readonly objects: number;
  /** Of all objects together, as stored. */
  readonly storedBytes: number;
}

/**
 * Lists the archive and reads its histories.
 * @throws LarderError whatever the store throws; a damaged history is told in the result
 */
export async function readWalIndex(
  store: ObjectStore,
  archive: Pick<ArchiveRecord, 'systemIdentifier' | 'segmentSize'>,
): Promise<WalIndex> {
  // before the listing, which then shows no less than it says
  const said = await readPosition(store, archive.systemIdentifier).catch(damageOrThrow);
  const first = await listArchive(store, archive);
  // a tail gives way to its whole segment while one lists: what seems to be missing is looked for once more
  const index =
    said instanceof LarderError || reaches(first, said) ? first : await listArchive(store, archive);
  if (said instanceof LarderError) return { ...index, damaged: [...index.damaged, said] };
  return { ...index, position: said };
}

/** Whether what was listed reaches as far as the receiver said. */
function reaches(index: WalIndex, position: ReceivedPosition | undefined): boolean {
  if (position === undefined) return true;
  const { timeline, stored } = position;
  const end = contiguousRanges(index, timeline, index.histories.get(timeline) ?? []).at(-1)?.end;
  return end !== undefined && end >= stored;
}

async function listArchive(
  store: ObjectStore,
  { systemIdentifier, segmentSize }: Pick<ArchiveRecord, 'systemIdentifier' | 'segmentSize'>,
): Promise<WalIndex> {
  const segments: WalSegment[] = [];
  const tails: TailRange[] = [];
  const histories = new Map<number, TimelineHistory>();
  const holes: WalHole[] = [];
  const damaged: LarderError[] = [];
  let [objects, storedBytes] = [0, 0];
  for await (const { name, size } of store.list(walPrefix(systemIdentifier))) {
    const object = parseWalObject(name, systemIdentifier, segmentSize);
    if (object === undefined) continue;
    objects++;
    storedBytes += size;
    try {
      if (object.kind === 'segment') segments.push(object.segment);
      else if (object.kind === 'tail') tails.push(object);
      else if (object.kind === 'hole') holes.push(await readHole(store, name));
      else histories.set(object.timeline, await readHistory(store, systemIdentifier, object.timeline));
    } catch (thrown) {
      damaged.push(damageOrThrow(thrown));
    }
  }
  holes.sort((a, b) => (a.from < b.from ? -1 : 1));
  return { systemIdentifier, segmentSize, segments, tails, histories, holes, damaged, objects, storedBytes };
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
  return parseTimelineHistory(text.toString('utf8'), timeline);
}

function damageOrThrow(thrown: unknown): LarderError {
  const error = toLarderError(thrown);
  // an object that was listed and is gone now is as bad as a damaged one; a store that does not answer is no verdict
  if (error.code === 'OBJECT_DAMAGED' || error.code === 'OBJECT_MISSING') return error;
  throw error;
}
