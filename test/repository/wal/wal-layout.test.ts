import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  historyObject,
  parseWalObject,
  walSegmentObject,
  walTailObject,
} from '../../../src/repository/wal/wal-layout.ts';

const SYSTEM = '7711013837087516379';
const segmentSizes = fc.integer({ min: 20, max: 30 }).map((power) => 2 ** power);
const segments = fc.record({
  timeline: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  // as many as positions of 64 bits have with segments of 1 GiB
  number: fc.bigInt(0n, (1n << 34n) - 1n),
});

describe('names of the transaction log', () => {
  test('of segments and tails say what they are, for every segment size and timeline', () => {
    fc.assert(
      fc.property(segmentSizes, segments, fc.nat(), fc.nat(), (segmentSize, segment, a, b) => {
        const name = walSegmentObject(SYSTEM, segment, segmentSize);
        expect(parseWalObject(name, SYSTEM, segmentSize)).toEqual({ kind: 'segment', segment });
        const from = a % segmentSize;
        const tail = { segment, from, to: from + 1 + (b % (segmentSize - from)) };
        expect(parseWalObject(walTailObject(SYSTEM, tail, segmentSize), SYSTEM, segmentSize)).toEqual({
          kind: 'tail',
          ...tail,
        });
      }),
    );
  });

  test('of history files name their timeline', () => {
    expect(historyObject(SYSTEM, 0x1a)).toBe(`transaction_logs/${SYSTEM}/0000001A.history`);
    expect(parseWalObject(historyObject(SYSTEM, 0x1a), SYSTEM, 2 ** 24)).toEqual({
      kind: 'history',
      timeline: 26,
    });
  });

  test.each([
    'transaction_logs/1/00000001/000000010000000000000001',
    `transaction_logs/${SYSTEM}/00000002/000000010000000000000001`,
    `transaction_logs/${SYSTEM}/00000001/0000000100000000000001FF`,
    `transaction_logs/${SYSTEM}/00000001/000000010000000000000001.partial`,
    `transaction_logs/${SYSTEM}/00000001/000000010000000000000001.tail_00000010_00000010`,
    `transaction_logs/${SYSTEM}/00000001/000000010000000000000001.tail_00000000_FFFFFFFF`,
    'full_backup_truck_20261122_020000/manifest',
  ])('that are not ours are not taken for one: %s', (name) => {
    expect(parseWalObject(name, SYSTEM, 2 ** 24)).toBeUndefined();
  });
});
