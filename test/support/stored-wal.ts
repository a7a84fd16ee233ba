import { formatTimelineHistory, type TimelineHistory } from '../../src/postgres/timeline-history.ts';
import { FramedObjectWriter } from '../../src/repository/frames/framed-object.ts';
import { openOrCreateArchive, type ArchiveRecord } from '../../src/repository/wal/archive-record.ts';
import type { WalIndex } from '../../src/repository/wal/wal-index.ts';
import { historyObject, walSegmentObject, walTailObject } from '../../src/repository/wal/wal-layout.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

export const SYSTEM = '7711013837087516379';
/** Two frames. */
export const SEGMENT_SIZE = 2 * 1024 * 1024;

/** A position of the log. */
export function at(segment: number, offset = 0): bigint {
  return BigInt(segment) * BigInt(SEGMENT_SIZE) + BigInt(offset);
}

/** An index of whole segments ([timeline, number]), and whatever else is given. */
export function indexOf(
  segments: readonly (readonly [timeline: number, number: number])[],
  more: Partial<WalIndex> = {},
): WalIndex {
  return {
    systemIdentifier: SYSTEM,
    segmentSize: SEGMENT_SIZE,
    segments: segments.map(([timeline, number]) => ({ timeline, number: BigInt(number) })),
    tails: [],
    histories: new Map(),
    holes: [],
    pruned: new Map(),
    received: undefined,
    damaged: [],
    objects: segments.length,
    storedBytes: 0,
    ...more,
  };
}

/** What a receiver says that had stored everything before `stored`. */
export function receivedUpTo(stored: bigint, timeline = 1): NonNullable<WalIndex['received']> {
  return { timeline, stored, complete: undefined, updated: 0 };
}

export function makeArchive(store: ObjectStore): Promise<ArchiveRecord> {
  const created = '2026-11-22T02:00:00.000Z';
  return openOrCreateArchive(store, {
    systemIdentifier: SYSTEM,
    major: 17,
    segmentSize: SEGMENT_SIZE,
    created,
  });
}

/** The bytes of a segment: its header, and filler that compresses by half. */
export function segmentBytes(timeline: number, number: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_SIZE);
  for (let offset = 0; offset < SEGMENT_SIZE; offset += 4)
    bytes.writeUInt32LE(Math.imul(offset, 2654435761) & 0xffff, offset);
  bytes.writeUInt16LE(0xd116, 0);
  bytes.writeUInt16LE(0x0002, 2);
  bytes.writeUInt32LE(timeline, 4);
  bytes.writeBigUInt64LE(at(number), 8);
  bytes.writeUInt32LE(0, 16);
  bytes.writeBigUInt64LE(BigInt(SYSTEM), 24);
  bytes.writeUInt32LE(SEGMENT_SIZE, 32);
  bytes.writeUInt32LE(8192, 36);
  return bytes;
}

/** Stores where a timeline came from. */
export async function storeHistoryOf(
  store: ObjectStore,
  timeline: number,
  history: TimelineHistory,
): Promise<string> {
  const name = historyObject(SYSTEM, timeline);
  const writer = await FramedObjectWriter.open(store, name, 'history', 1);
  await writer.write(Buffer.from(formatTimelineHistory(history, 'a promotion')));
  await writer.commit();
  return name;
}

/** Stores a whole segment, or its bytes up to `tail`; gives the object's name. */
export async function storeSegment(
  store: ObjectStore,
  {
    number,
    timeline = 1,
    tail,
    level = 1,
  }: { number: number; timeline?: number; tail?: number; level?: number },
): Promise<string> {
  const segment = { timeline, number: BigInt(number) };
  const name =
    tail === undefined
      ? walSegmentObject(SYSTEM, segment, SEGMENT_SIZE)
      : walTailObject(SYSTEM, { segment, from: 0, to: tail }, SEGMENT_SIZE);
  const writer = await FramedObjectWriter.open(store, name, 'wal', level);
  await writer.write(segmentBytes(timeline, number).subarray(0, tail));
  await writer.commit();
  return name;
}
