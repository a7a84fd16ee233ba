import { describe, expect, test } from '@jest/globals';
import { resumePoint } from '../../src/transaction-log/resume-point.ts';
import type { WalIndex } from '../../src/repository/wal/wal-index.ts';

const SIZE = 1024 * 1024;

function indexOf(segments: [number, number][], tails: [number, number, number, number][] = []): WalIndex {
  return {
    systemIdentifier: '7',
    segmentSize: SIZE,
    segments: segments.map(([timeline, number]) => ({ timeline, number: BigInt(number) })),
    tails: tails.map(([timeline, number, from, to]) => ({
      segment: { timeline, number: BigInt(number) },
      from,
      to,
    })),
    histories: new Map(),
    holes: [],
    pruned: new Map(),
    received: undefined,
    damaged: [],
    objects: segments.length + tails.length,
    storedBytes: 0,
  };
}

const at = (segment: number, offset = 0): bigint => BigInt(segment * SIZE + offset);

describe('where streaming goes on', () => {
  test('is open while nothing is stored', () => {
    expect(resumePoint(indexOf([]), { timeline: 1, history: [] })).toEqual({ kind: 'nothing-stored' });
  });

  test('is behind the last segment', () => {
    const point = resumePoint(
      indexOf([
        [1, 4],
        [1, 5],
      ]),
      { timeline: 1, history: [] },
    );
    expect(point).toMatchObject({ kind: 'continue', start: { timeline: 1, lsn: at(6) } });
  });

  test('is the beginning of the segment a tail belongs to', () => {
    const point = resumePoint(indexOf([[1, 5]], [[1, 6, 0, 700]]), { timeline: 1, history: [] });
    expect(point).toEqual({
      kind: 'continue',
      start: { timeline: 1, lsn: at(6) },
      reached: { timeline: 1, lsn: at(6, 700) },
    });
  });

  test('is behind a hole that was left behind already', () => {
    const point = resumePoint(
      indexOf([
        [1, 2],
        [1, 9],
      ]),
      { timeline: 1, history: [] },
    );
    expect(point).toMatchObject({ start: { timeline: 1, lsn: at(10) } });
  });

  test('stays on the old timeline while that is not stored up to the switch', () => {
    const history = [{ timeline: 1, end: at(8, 100) }];
    const point = resumePoint(indexOf([[1, 5]]), { timeline: 2, history });
    expect(point).toMatchObject({ start: { timeline: 1, lsn: at(6) } });
  });

  test('is the switch when more than that was received on the old timeline', () => {
    const history = [{ timeline: 1, end: at(5, 100) }];
    const point = resumePoint(indexOf([[1, 5]], [[1, 6, 0, 50]]), { timeline: 2, history });
    expect(point).toEqual({
      kind: 'continue',
      start: { timeline: 2, lsn: at(5) },
      reached: { timeline: 2, lsn: at(5, 100) },
    });
  });

  test('goes through every timeline in between', () => {
    const history = [
      { timeline: 1, end: at(5, 100) },
      { timeline: 4, end: at(7) },
    ];
    expect(resumePoint(indexOf([[1, 5]]), { timeline: 9, history })).toMatchObject({
      start: { timeline: 4, lsn: at(5) },
    });
  });

  test('is nowhere when what is stored is of another branch', () => {
    const history = [{ timeline: 1, end: at(3) }];
    expect(resumePoint(indexOf([[2, 5]]), { timeline: 3, history })).toEqual({
      kind: 'diverged',
      reached: { timeline: 2, lsn: at(6) },
    });
  });

  test('is on the server’s own branch when another one is stored beside it', () => {
    const history = [{ timeline: 1, end: at(3) }];
    const point = resumePoint(
      indexOf([
        [1, 2],
        [2, 5],
      ]),
      { timeline: 3, history },
    );
    expect(point).toMatchObject({ start: { timeline: 3, lsn: at(3) } });
  });
});
