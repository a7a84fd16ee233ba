import { HASH_LENGTH, unitsOf } from '../../repository/block-hashes.ts';
import type { ComparePart } from './compare-messages.ts';

/** Bytes between two lists that are rather read over than skipped. */
const GAP_LIMIT = 64 * 1024;

/** A range of an object that holds the hashes of some parts, and where in it each of them lies. */
export interface HashRange {
  readonly object: string;
  readonly offset: number;
  readonly length: number;
  readonly places: readonly { readonly start: number; readonly end: number }[];
}

/** What is to be read for some parts, in their order: thousands of small files must not cost a read each. */
export function hashRanges(parts: readonly Pick<ComparePart, 'object' | 'offset' | 'length'>[]): HashRange[] {
  const ranges: {
    object: string;
    offset: number;
    length: number;
    places: { start: number; end: number }[];
  }[] = [];
  for (const { object, offset, length } of parts) {
    const bytes = unitsOf(length) * HASH_LENGTH;
    const last = ranges.at(-1);
    const gap = last === undefined ? -1 : offset - (last.offset + last.length);
    if (last === undefined || last.object !== object || gap < 0 || gap > GAP_LIMIT) {
      ranges.push({ object, offset, length: bytes, places: [{ start: 0, end: bytes }] });
      continue;
    }
    const start = offset - last.offset;
    last.places.push({ start, end: start + bytes });
    last.length = start + bytes;
  }
  return ranges;
}
