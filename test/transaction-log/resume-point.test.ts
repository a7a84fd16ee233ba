import { describe, expect, test } from '@jest/globals';
import { resumePoint, type ServerTimeline } from '../../src/transaction-log/resume-point.ts';
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
/** With a server that keeps nothing of what is stored, unless told otherwise. */
const resume = (index: WalIndex, server: ServerTimeline, kept = at(1000)) => resumePoint(index, server, kept);

describe('where streaming goes on', () => {
  test('is open while nothing is stored', () => {
    expect(resume(indexOf([]), { timeline: 1, history: [] })).toEqual({ kind: 'nothing-stored' });
  });

  test('is behind the last segment', () => {
    const point = resume(
      indexOf([
        [1, 4],
        [1, 5],
      ]),
      { timeline: 1, history: [] },
    );
    expect(point).toMatchObject({ kind: 'continue', start: { timeline: 1, lsn: at(6) } });
  });

  test('is the beginning of the segment a tail belongs to', () => {
    const point = resume(indexOf([[1, 5]], [[1, 6, 0, 700]]), { timeline: 1, history: [] });
    expect(point).toEqual({
      kind: 'continue',
      start: { timeline: 1, lsn: at(6) },
      reached: { timeline: 1, lsn: at(6, 700) },
    });
  });

  test('is behind a hole that was left behind already', () => {
    const point = resume(
      indexOf([
        [1, 2],
        [1, 9],
      ]),
      { timeline: 1, history: [] },
    );
    expect(point).toMatchObject({ start: { timeline: 1, lsn: at(10) } });
  });

  test('is a hole that the server still keeps: segments are stored side by side', () => {
    const server = { timeline: 1, history: [] };
    const index = indexOf([1, 2, 4, 5, 7].map((number) => [1, number]));
    const starts = [at(1), at(3), at(3, 9), at(4), at(6), at(7), at(8)].map((kept) =>
      resume(index, server, kept),
    );
    expect(starts.map((point) => point.kind === 'continue' && point.start.lsn)).toEqual(
      [3, 3, 3, 6, 6, 8, 8].map((segment) => at(segment)),
    );
    expect(starts[0]).toMatchObject({ reached: { timeline: 1, lsn: at(8) } });
  });

  test('is a hole behind a tail that a power cut left', () => {
    const index = indexOf(
      [
        [1, 1],
        [1, 3],
      ],
      [[1, 2, 0, 700]],
    );
    expect(resume(index, { timeline: 1, history: [] }, at(2))).toMatchObject({ start: { lsn: at(2) } });
  });

  test('is a hole on the timeline that it lies on', () => {
    const history = [{ timeline: 1, end: at(5, 100) }];
    const index = indexOf([
      [1, 1],
      [1, 4],
      [2, 5],
      [2, 8],
    ]);
    const server = { timeline: 2, history };
    expect(resume(index, server, at(1))).toMatchObject({ start: { timeline: 1, lsn: at(2) } });
    expect(resume(index, server, at(6))).toMatchObject({ start: { timeline: 2, lsn: at(6) } });
  });

  test('stays on the old timeline while that is not stored up to the switch', () => {
    const history = [{ timeline: 1, end: at(8, 100) }];
    const point = resume(indexOf([[1, 5]]), { timeline: 2, history });
    expect(point).toMatchObject({ start: { timeline: 1, lsn: at(6) } });
  });

  test('is the switch when more than that was received on the old timeline', () => {
    const history = [{ timeline: 1, end: at(5, 100) }];
    const point = resume(indexOf([[1, 5]], [[1, 6, 0, 50]]), { timeline: 2, history });
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
    expect(resume(indexOf([[1, 5]]), { timeline: 9, history })).toMatchObject({
      start: { timeline: 4, lsn: at(5) },
    });
  });

  test('is nowhere when what is stored is of another branch', () => {
    const history = [{ timeline: 1, end: at(3) }];
    expect(resume(indexOf([[2, 5]]), { timeline: 3, history })).toEqual({
      kind: 'diverged',
      reached: { timeline: 2, lsn: at(6) },
    });
  });

  test('is on the server’s own branch when another one is stored beside it', () => {
    const history = [{ timeline: 1, end: at(3) }];
    const point = resume(
      indexOf([
        [1, 2],
        [2, 5],
      ]),
      { timeline: 3, history },
    );
    expect(point).toMatchObject({ start: { timeline: 3, lsn: at(3) } });
  });
});
