import { describe, expect, test } from '@jest/globals';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { WalHole } from '../../../src/repository/wal/wal-hole.ts';
import type { WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { reachOfBackup } from '../../../src/restore/recovery/reach.ts';
import { commitRecord } from '../../support/commit-records.ts';

const SIZE = 1024 * 1024;
const at = (segment: number, offset = 0): bigint => BigInt(segment * SIZE + offset);

/** An archive of whole segments, on timeline 1 and on timeline 2, which branched off in segment 6. */
function indexOf(segments: [timeline: number, number: number][], more: Partial<WalIndex> = {}): WalIndex {
  return {
    systemIdentifier: '7',
    segmentSize: SIZE,
    segments: segments.map(([timeline, number]) => ({ timeline, number: BigInt(number) })),
    tails: [],
    histories: new Map([[2, [{ timeline: 1, end: at(6, 500), reason: 'promoted' }]]]),
    holes: [],
    damaged: [],
    objects: segments.length,
    storedBytes: 0,
    ...more,
  };
}

const position = (timeline: number, stored: bigint) => ({ timeline, stored, complete: 1, updated: 1 });

function hole(
  timeline: number,
  from: bigint,
  to: bigint,
  reason: WalHole['reason'] = 'wal-removed',
): WalHole {
  return { timeline, from, to, reason, detail: 'it is gone', recorded: '2026-11-22T02:00:00Z' };
}

/** A backup that ends in segment 2. */
function backupOn(timeline = 1): CommitRecord {
  return commitRecord('2026-11-22T02:00:00Z', { timeline, stopLsn: formatLsn(at(2, 300)) });
}

describe('what is missing behind a backup', () => {
  test('is what the receiver said it stored and is not there, also when nothing is stored behind it', () => {
    const index = indexOf([[1, 2], [1, 3]], { histories: new Map(), position: position(1, at(5, 10)) }); // prettier-ignore
    expect(reachOfBackup(index, backupOn(), 'latest').hole).toEqual({ start: at(4), end: at(5, 10) });
    const everything = { ...index, position: position(1, at(4)) };
    expect(reachOfBackup(everything, backupOn(), 'latest').hole).toBeUndefined();
  });

  test('is everything when nothing at all is stored behind what the backup carries itself', () => {
    const none = indexOf([], { histories: new Map(), position: position(1, at(5)) });
    expect(reachOfBackup(none, backupOn(), 'latest').hole).toEqual({ start: at(2, 300), end: at(5) });
    const carried = { ...none, position: position(1, at(3)) };
    expect(reachOfBackup(carried, backupOn(), 'latest').hole).toBeUndefined();
  });

  test('is WAL that was recorded as lost, before anything behind it is stored', () => {
    const lost = { histories: new Map(), holes: [hole(1, at(4), at(9))] };
    const index = indexOf([[1, 2], [1, 3]], lost); // prettier-ignore
    expect(reachOfBackup(index, backupOn(), 'latest').hole).toEqual({ start: at(4), end: at(9) });
  });

  test('is not what was written on a branch that the chosen timeline left before', () => {
    const segments: [number, number][] = [[1, 2], [1, 3], [1, 4], [1, 5], [2, 6]]; // prettier-ignore
    const elsewhere = { holes: [hole(1, at(8), at(9)), hole(1, at(5), at(12), 'diverged')] };
    const index = indexOf(segments, { ...elsewhere, position: position(1, at(9)) });
    expect(reachOfBackup(index, backupOn(), 'latest')).toMatchObject({ until: at(7), hole: undefined });
    const onward = indexOf(segments, { position: position(2, at(7, 1)) });
    expect(reachOfBackup(onward, backupOn(), 'latest').hole).toEqual({ start: at(7), end: at(7, 1) });
    expect(reachOfBackup(onward, backupOn(), 'current').hole).toBeUndefined();
  });
});
