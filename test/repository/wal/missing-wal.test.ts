import { describe, expect, test } from '@jest/globals';
import { segmentName } from '../../../src/postgres/wal-segment.ts';
import { completeOn, missingOn } from '../../../src/repository/wal/missing-wal.ts';
import { pathTo } from '../../../src/repository/wal/timeline-path.ts';
import type { WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { at, indexOf } from '../../support/stored-wal.ts';

const MIB = 1024 ** 2;

describe.each([MIB, 16 * MIB, 1024 * MIB])('with segments of %i bytes what is missing', (segmentSize) => {
  const size = BigInt(segmentSize);
  const named = (timeline: number, number: number): string =>
    segmentName({ timeline, number: BigInt(number) }, segmentSize);
  const branched = (index: WalIndex): WalIndex => ({
    ...index,
    histories: new Map([[2, [{ timeline: 1, end: 6n * size + 500n }]]]),
  });

  test('is told by the first segment, of whichever timeline', () => {
    const index = branched(indexOf([[1, 2], [1, 5], [2, 6], [2, 8]], { segmentSize })); // prettier-ignore
    expect(missingOn(index, pathTo(index, 2))).toMatchObject([
      { start: 3n * size, end: 5n * size, segment: named(1, 3), lastSegment: named(1, 4) },
      { start: 7n * size, end: 8n * size, segment: named(2, 7), lastSegment: named(2, 7) },
    ]);
  });

  test('is nothing where a tail, and nothing that is known, is the end', () => {
    const tails = [{ segment: { timeline: 1, number: 3n }, from: 0, to: 900 }];
    const received = { timeline: 1, stored: 3n * size + 900n, complete: undefined, updated: 1 };
    const whole = indexOf([[1, 2]], { segmentSize, tails, received });
    expect(missingOn(whole, pathTo(whole, 1))).toEqual([]);
    expect(missingOn({ ...whole, tails: [] }, pathTo(whole, 1))).toMatchObject([
      { start: 3n * size, end: 3n * size + 900n, segment: named(1, 3), lastSegment: named(1, 3) },
    ]);
  });
});

test('the time until which everything is stored counts on the path that the receiver was on, and on no other', () => {
  const histories = new Map([[2, [{ timeline: 1, end: at(6, 500) }]]]);
  const complete = (timeline: number, stored: bigint, followed: number): number | undefined => {
    const index = indexOf([], { histories, received: { timeline, stored, complete: 7, updated: 9 } });
    return completeOn(index, pathTo(index, followed));
  };
  expect(complete(2, at(8), 2)).toBe(7);
  expect(complete(1, at(6), 2)).toBe(7);
  expect(complete(1, at(8), 1)).toBe(7);
  // behind the switch the parent is a branch that was given up
  expect(complete(1, at(8), 2)).toBeUndefined();
  expect(complete(2, at(8), 1)).toBeUndefined();
});
