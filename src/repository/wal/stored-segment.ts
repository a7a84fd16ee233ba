import { LarderError } from '../../errors.ts';
import type { WalSegment } from '../../postgres/wal-segment.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readFramedObject } from '../frames/framed-object.ts';
import { walSegmentObject, walTailObject } from './wal-layout.ts';
import type { TimelinePath } from './timeline-path.ts';
import type { WalIndex } from './wal-index.ts';

/** A stored object and the part of the segment it holds. */
export interface SegmentPiece {
  readonly object: string;
  /** Offsets into the segment. */
  readonly from: number;
  readonly to: number;
}

/** What holds the bytes [0, end) of a segment: the whole segment, or the tails of an unfinished one. */
export interface StoredSegment {
  readonly segment: WalSegment;
  /** In order; a piece may begin before the end of the one before it. */
  readonly pieces: readonly SegmentPiece[];
  /** Bytes from the segment's first one on, without a hole. */
  readonly end: number;
}

/** What is stored of one segment, from its first byte on; `undefined` when that byte is not. */
export type FindSegment = (segment: WalSegment) => StoredSegment | undefined;

/** Prepares the index for many questions. */
export function segmentFinder(index: WalIndex): FindSegment {
  const key = ({ timeline, number }: WalSegment): string => `${timeline}/${number}`;
  const whole = new Set(index.segments.map(key));
  const tails = Map.groupBy(index.tails, ({ segment }) => key(segment));
  const { systemIdentifier, segmentSize } = index;
  return (segment) => {
    if (whole.has(key(segment))) {
      const object = walSegmentObject(systemIdentifier, segment, segmentSize);
      return { segment, pieces: [{ object, from: 0, to: segmentSize }], end: segmentSize };
    }
    const pieces: SegmentPiece[] = [];
    let end = 0;
    // of those that begin at the same byte the longest first, so that the others add nothing
    for (const tail of (tails.get(key(segment)) ?? []).sort((a, b) => a.from - b.from || b.to - a.to)) {
      if (tail.from > end) break;
      if (tail.to <= end) continue;
      pieces.push({
        object: walTailObject(systemIdentifier, tail, segmentSize),
        from: tail.from,
        to: tail.to,
      });
      end = tail.to;
    }
    return pieces.length === 0 ? undefined : { segment, pieces, end };
  };
}

/**
 * What is stored of segment `number` for who follows the path: the newest timeline that has it counts, as PostgreSQL asks
 * for it, since a child's first segment repeats its parent's bytes.
 */
export function segmentOnPath(
  find: FindSegment,
  { timeline, history }: TimelinePath,
  number: bigint,
  segmentSize: number,
): StoredSegment | undefined {
  const first = number * BigInt(segmentSize);
  const candidates: number[] = [];
  let begin = 0n;
  for (const branch of history) {
    // an ancestor has the segment when it begins before the switch and reaches to the segment's end or beyond its begin
    if (begin < first + BigInt(segmentSize) && first < branch.end) candidates.push(branch.timeline);
    begin = branch.end;
  }
  if (begin < first + BigInt(segmentSize)) candidates.push(timeline);
  for (const candidate of candidates.reverse()) {
    const found = find({ timeline: candidate, number });
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The bytes [0, end) of a stored segment, in order, each checked; what a piece repeats of the one before it is left out.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT, the store's errors
 */
export async function* readStoredSegment(store: ObjectStore, stored: StoredSegment): AsyncGenerator<Buffer> {
  let position = 0;
  for (const { object, from, to } of stored.pieces) {
    let offset = from;
    for await (const bytes of readFramedObject(store, object, 'wal')) {
      const fresh = bytes.subarray(Math.max(0, position - offset));
      offset += bytes.length;
      position = Math.max(position, offset);
      if (fresh.length > 0) yield fresh;
    }
    if (offset !== to) {
      throw new LarderError(
        'OBJECT_DAMAGED',
        `${object} holds ${offset - from} bytes of WAL instead of ${to - from}`,
      );
    }
  }
}
