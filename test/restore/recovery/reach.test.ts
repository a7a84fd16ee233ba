import { describe, expect, test } from '@jest/globals';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { newestPath } from '../../../src/repository/wal/timeline-path.ts';
import type { WalHole } from '../../../src/repository/wal/wal-hole.ts';
import type { WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { holeError, reachOfBackup, type TimelineChoice } from '../../../src/restore/recovery/reach.ts';
import { commitRecord } from '../../support/commit-records.ts';
import { at, indexOf, receivedUpTo } from '../../support/stored-wal.ts';

/** It carries segment 3 itself, to its end. */
const backup = commitRecord('2026-11-22T02:00:00Z', { stopLsn: formatLsn(at(3, 500)) });
const FOLLOWED = new Map([[2, [{ timeline: 1, end: at(6, 700) }]]]);

function segments(timeline: number, from: number, to: number): [number, number][] {
  return Array.from({ length: to - from + 1 }, (_, index) => [timeline, from + index]);
}

/** The name that the error for the hole begins with; undefined when there is none. */
function firstMissing(index: WalIndex): string | undefined {
  const reach = reachOfBackup(index, backup, 'latest');
  if (reach.hole === undefined) return undefined;
  const { message } = holeError(index, { ...reach, hole: reach.hole }, { backup, wanted: 'the end' });
  return /segment (\w+)/.exec(message)?.[1];
}

describe('how far a backup can be rolled forward', () => {
  test('is to the first hole, whichever segment it is', () => {
    for (let lost = 4; lost <= 9; lost++) {
      const kept = segments(1, 3, 9).filter(([, number]) => number !== lost);
      const index = indexOf(kept, { received: receivedUpTo(at(10)) });
      const { until, hole } = reachOfBackup(index, backup, 'latest');
      expect(until).toBe(at(lost));
      expect(hole).toEqual({ start: at(lost), end: at(lost + 1) });
      expect(firstMissing(index)).toBe(`00000001000000000000000${lost}`);
    }
  });

  test('ends with a hole where the receiver had stored more than is there, if only a byte', () => {
    expect(firstMissing(indexOf(segments(1, 3, 9), { received: receivedUpTo(at(10)) }))).toBeUndefined();
    const index = indexOf(segments(1, 3, 9), { received: receivedUpTo(at(10, 1)) });
    expect(firstMissing(index)).toBe('00000001000000000000000A');
    expect(firstMissing(indexOf([], { received: receivedUpTo(at(4, 1)) }))).toBe('000000010000000000000004');
    // the backup carries this much itself
    expect(firstMissing(indexOf([], { received: receivedUpTo(at(4)) }))).toBeUndefined();
  });

  test('is its own end where retention has removed the log behind it: that is no hole', () => {
    const kept = segments(1, 7, 9);
    const pruned = new Map([[1, at(7)]]);
    const reach = reachOfBackup(indexOf(kept, { pruned }), backup, 'latest');
    expect(reach).toMatchObject({ until: reach.from, hole: undefined });
    expect(reach.removed).toEqual({ start: at(4), end: at(7) });
    // what is missing behind what was removed is missing all the same, for who is not cut off by it
    const lost = indexOf([...segments(1, 3, 5), ...kept], { pruned: new Map([[1, at(5)]]) });
    expect(reachOfBackup(lost, backup, 'latest')).toMatchObject({
      hole: { start: at(6), end: at(7) },
      removed: undefined,
    });
  });

  test('names what is missing by the timeline that would provide it', () => {
    const histories = FOLLOWED;
    const all = [...segments(1, 3, 5), ...segments(2, 6, 9)];
    expect(firstMissing(indexOf(all, { histories }))).toBeUndefined();
    for (const [timeline, number] of all.slice(1, -1)) {
      const index = indexOf(
        all.filter(([, each]) => each !== number),
        { histories },
      );
      // up to the switch the parent could provide it too
      const named = number === 6 ? 1 : timeline;
      expect(firstMissing(index)).toBe(`0000000${named}000000000000000${number}`);
    }
  });

  test('counts what was received of the parent only up to the switch', () => {
    const all = [...segments(1, 3, 5), ...segments(2, 6, 6)];
    const histories = FOLLOWED;
    expect(firstMissing(indexOf(all, { histories, received: receivedUpTo(at(9)) }))).toBeUndefined();
    expect(firstMissing(indexOf(all, { histories, received: receivedUpTo(at(9), 2) }))).toBe(
      '000000020000000000000007',
    );
  });
});

function lost(
  timeline: number,
  from: bigint,
  to: bigint,
  reason: WalHole['reason'] = 'wal-removed',
): WalHole {
  return { timeline, from, to, reason, detail: 'it is gone', recorded: '2026-11-22T02:00:00Z' };
}

describe('what is missing behind a backup', () => {
  const holeIn = (index: WalIndex, choice: TimelineChoice = 'latest') =>
    reachOfBackup(index, backup, choice).hole;

  test('is everything from the end of its last segment on when nothing is stored behind it', () => {
    expect(holeIn(indexOf([], { received: receivedUpTo(at(6)) }))).toEqual({ start: at(4), end: at(6) });
  });

  test('is WAL that was recorded as lost, before anything behind it is stored', () => {
    const index = indexOf(segments(1, 3, 4), { holes: [lost(1, at(5), at(9))] });
    expect(holeIn(index)).toEqual({ start: at(5), end: at(9) });
    expect(holeIn({ ...index, received: receivedUpTo(at(5)) })).toEqual({ start: at(5), end: at(9) });
    expect(firstMissing(index)).toBe('000000010000000000000005');
  });

  test('is not what was written on a branch that the chosen timeline left before', () => {
    const stored = [...segments(1, 3, 5), ...segments(2, 6, 6)];
    const holes = [lost(1, at(8), at(9)), lost(1, at(5), at(12), 'diverged')];
    const index = indexOf(stored, { histories: FOLLOWED, holes, received: receivedUpTo(at(9)) });
    expect(reachOfBackup(index, backup, 'latest')).toMatchObject({ until: at(7), hole: undefined });
  });

  test('is on the parent what was written up to the switch, when the receiver was on the child', () => {
    const tails = [{ segment: { timeline: 1, number: 6n }, from: 0, to: 700 }];
    const stored = [...segments(1, 3, 5), ...segments(2, 6, 6)];
    const index = indexOf(stored, { histories: FOLLOWED, tails, received: receivedUpTo(at(7, 1), 2) });
    expect(holeIn(index)).toEqual({ start: at(7), end: at(7, 1) });
    expect(holeIn(index, 'current')).toBeUndefined();
    expect(holeIn({ ...index, tails: [] }, 'current')).toEqual({ start: at(6), end: at(6, 700) });
  });

  test('is also what follows a tail of the segment that the backup ends in', () => {
    const tails = [{ segment: { timeline: 1, number: 3n }, from: 0, to: 800 }];
    expect(reachOfBackup(indexOf(segments(1, 4, 9), { tails }), backup, 'latest')).toMatchObject({
      until: at(3, 800),
      hole: { start: at(3, 800), end: at(4) },
    });
    expect(holeIn(indexOf([], { tails, received: receivedUpTo(at(3, 800)) }))).toBeUndefined();
  });
});

test('a timeline that is known needs its parent up to the switch, though nothing of its own is stored', () => {
  const tail = { segment: { timeline: 1, number: 6n }, from: 0, to: 700 };
  const parent = segments(1, 3, 5);
  expect(firstMissing(indexOf(parent, { histories: FOLLOWED, tails: [tail] }))).toBeUndefined();
  expect(firstMissing(indexOf(parent, { histories: FOLLOWED }))).toBe('000000010000000000000006');
});

describe('the newest timeline', () => {
  const point = { timeline: 1, lsn: at(3) };

  test('is an error when only the receiver knew of it: everything of it was lost', () => {
    const index = indexOf(segments(1, 3, 9), { received: receivedUpTo(at(9), 2) });
    expect(() => newestPath(index, point)).toThrow('00000002.history is missing');
  });

  test('is the backup’s own when nothing was ever received of it', () => {
    expect(newestPath(indexOf(segments(1, 3, 9)), { timeline: 2, lsn: at(12) })).toEqual({
      timeline: 2,
      history: [],
    });
  });
});
