import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { segmentName } from '../../../src/postgres/wal-segment.ts';
import type { WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { decideFetch, type FetchScope } from '../../../src/restore/fetch/fetch-decision.ts';

const SIZE = 1024 * 1024;
const at = (segment: number, offset = 0): bigint => BigInt(segment * SIZE + offset);
const nameOf = (number: number, timeline = 1): string =>
  segmentName({ timeline, number: BigInt(number) }, SIZE);

function scopeOf(segments: readonly number[], tail?: { number: number; to: number }): FetchScope {
  const index: WalIndex = {
    systemIdentifier: '7',
    segmentSize: SIZE,
    segments: segments.map((number) => ({ timeline: 1, number: BigInt(number) })),
    tails:
      tail === undefined
        ? []
        : [{ segment: { timeline: 1, number: BigInt(tail.number) }, from: 0, to: tail.to }],
    histories: new Map(),
    holes: [],
    pruned: new Map(),
    received: undefined,
    damaged: [],
    objects: 0,
    storedBytes: 0,
  };
  return { index, path: { timeline: 1, history: [] }, from: at(3, 100), until: at(8, 500) };
}

describe('what PostgreSQL is answered', () => {
  test('is never "absent" for a segment of the plan, whatever is stored', () => {
    const stored = fc.uniqueArray(fc.integer({ min: 0, max: 12 }));
    const tails = fc.option(
      fc.record({ number: fc.integer({ min: 0, max: 12 }), to: fc.integer({ min: 1, max: SIZE }) }),
      { nil: undefined },
    );
    fc.assert(
      fc.property(stored, tails, fc.integer({ min: 4, max: 8 }), (segments, tail, number) => {
        const answer = decideFetch(nameOf(number), scopeOf(segments, tail));
        const whole = segments.includes(number);
        const enough = tail?.number === number && at(number, tail.to) >= at(8, 500);
        expect(answer.kind).toBe(whole || enough ? 'segment' : 'missing');
      }),
    );
  });

  test('is "absent" behind the plan, and for what the backup carries itself', () => {
    const scope = scopeOf([]);
    for (const number of [1, 2, 3, 9, 100]) expect(decideFetch(nameOf(number), scope).kind).toBe('absent');
    // a plan that ends before what is damaged must not have the server read it
    expect(decideFetch(nameOf(9), scopeOf([9])).kind).toBe('absent');
  });

  test('gives a tail only as the end of the plan', () => {
    expect(decideFetch(nameOf(8), scopeOf([], { number: 8, to: 500 })).kind).toBe('segment');
    expect(decideFetch(nameOf(8), scopeOf([], { number: 8, to: 499 })).kind).toBe('missing');
    expect(decideFetch(nameOf(6), scopeOf([], { number: 6, to: SIZE - 1 })).kind).toBe('missing');
  });

  test('misses the history of the timeline it follows, and of no other', () => {
    const scope: FetchScope = {
      ...scopeOf([]),
      path: { timeline: 3, history: [{ timeline: 1, end: at(4) }] },
    };
    expect(decideFetch('00000003.history', scope).kind).toBe('missing');
    expect(decideFetch('00000004.history', scope).kind).toBe('absent');
    expect(decideFetch(`${nameOf(5)}.partial`, scope).kind).toBe('absent');
  });
});
