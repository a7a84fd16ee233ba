import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contiguousRanges, holesBetween, reachOf } from '../../../src/repository/wal/continuity.ts';

const SIZE = 1024 * 1024;
const at = (segment: number, offset = 0): bigint => BigInt(segment) * BigInt(SIZE) + BigInt(offset);
const segment = (timeline: number, number: number) => ({ timeline, number: BigInt(number) });

describe('contiguousRanges', () => {
  test('joins neighbouring segments and leaves a hole where one is missing', () => {
    const segments = [segment(1, 5), segment(1, 3), segment(1, 2)];
    expect(contiguousRanges({ segmentSize: SIZE, segments, tails: [] }, 1, [])).toEqual([
      { start: at(2), end: at(4) },
      { start: at(5), end: at(6) },
    ]);
  });

  test('a tail covers its bytes and joins the whole segments before it', () => {
    const tails = [
      { segment: segment(1, 3), from: 0, to: 100 },
      { segment: segment(1, 3), from: 100, to: 250 },
    ];
    const ranges = contiguousRanges({ segmentSize: SIZE, segments: [segment(1, 2)], tails }, 1, []);
    expect(ranges).toEqual([{ start: at(2), end: at(3, 250) }]);
  });

  test('what the parent wrote behind the switch counts for nothing', () => {
    const history = [{ timeline: 1, end: at(3, 500) }];
    const segments = [segment(1, 2), segment(1, 3), segment(1, 4), segment(2, 4)];
    expect(contiguousRanges({ segmentSize: SIZE, segments, tails: [] }, 2, history)).toEqual([
      { start: at(2), end: at(3, 500) },
      { start: at(4), end: at(5) },
    ]);
  });

  test("the child's segment covers the whole segment of the switch", () => {
    const history = [{ timeline: 1, end: at(3, 500) }];
    const segments = [segment(1, 2), segment(2, 3), segment(2, 4)];
    expect(contiguousRanges({ segmentSize: SIZE, segments, tails: [] }, 2, history)).toEqual([
      { start: at(2), end: at(5) },
    ]);
  });

  test('segments of a timeline that is no ancestor cover nothing', () => {
    const stored = { segmentSize: SIZE, segments: [segment(3, 2)], tails: [] };
    expect(contiguousRanges(stored, 2, [{ timeline: 1, end: at(1) }])).toEqual([]);
  });

  test('agrees with asking byte by byte, for any set of segments on any tree path', () => {
    const small = fc.record({
      segments: fc.array(fc.record({ timeline: fc.integer({ min: 1, max: 4 }), number: fc.bigInt(0n, 9n) }), {
        maxLength: 20,
      }),
      cuts: fc.uniqueArray(fc.integer({ min: 1, max: 39 }), { minLength: 2, maxLength: 2 }),
    });
    fc.assert(
      fc.property(small, ({ segments, cuts }) => {
        const size = 4; // the arithmetic does not care that no server has such segments
        const [first = 1, second = 2] = cuts.sort((a, b) => a - b);
        const history = [
          { timeline: 1, end: BigInt(first) },
          { timeline: 2, end: BigInt(second) },
        ];
        const ranges = contiguousRanges({ segmentSize: size, segments, tails: [] }, 4, history);
        const limits = new Map<number, number>([
          [1, first],
          [2, second],
          [4, 1000],
        ]);
        for (let byte = 0; byte < 40; byte++) {
          const expected = segments.some(
            (s) => Number(s.number) === Math.floor(byte / size) && byte < (limits.get(s.timeline) ?? -1),
          );
          const covered = ranges.some((range) => range.start <= BigInt(byte) && BigInt(byte) < range.end);
          expect(covered).toBe(expected);
        }
      }),
    );
  });
});

describe('holesBetween', () => {
  test('names every hole between two positions, the one at the end included', () => {
    const ranges = [
      { start: 10n, end: 20n },
      { start: 30n, end: 40n },
    ];
    expect(holesBetween(ranges, 5n, 50n)).toEqual([
      { start: 5n, end: 10n },
      { start: 20n, end: 30n },
      { start: 40n, end: 50n },
    ]);
    expect(holesBetween(ranges, 12n, 18n)).toEqual([]);
    expect(holesBetween([], 1n, 2n)).toEqual([{ start: 1n, end: 2n }]);
  });
});

describe('reachOf', () => {
  test('a backup rolls forward to the end of the stretch that holds its end, and not across a hole', () => {
    const ranges = [
      { start: 10n, end: 20n },
      { start: 30n, end: 40n },
    ];
    expect(reachOf(15n, ranges)).toBe(20n);
    expect(reachOf(20n, ranges)).toBe(20n);
    expect(reachOf(25n, ranges)).toBe(25n);
  });
});
