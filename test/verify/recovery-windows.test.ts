import { expect, test } from '@jest/globals';
import type { RollForward } from '../../src/restore/recovery/roll-forward.ts';
import { recoveryWindows } from '../../src/verify/recovery-windows.ts';
import { at } from '../support/stored-wal.ts';

/** A point whose time stands for the day of the month that is as its segment. */
const point = (segment: number) => ({ lsn: at(segment), time: `2026-11-${segment}T00:00:00.000Z` });

function rolls(from: number, until: number, timeline = 1): RollForward {
  const state = from === until ? 'own-end' : 'log';
  return {
    backup: `from ${from}`,
    state,
    timeline,
    from: point(from),
    until: point(until),
    hole: undefined,
    removed: false,
    problem: undefined,
  };
}

test('backups that reach the same end are one window, from the oldest of them on', () => {
  expect(recoveryWindows([rolls(12, 20), rolls(10, 20)])).toEqual([
    { timeline: 1, from: point(10), until: point(20), backup: 'from 10' },
  ]);
});

test('windows are apart where WAL is missing between them; a backup that reaches its own end only opens none', () => {
  const windows = recoveryWindows([rolls(10, 12), rolls(15, 15), rolls(18, 19)]);
  expect(windows.map(({ from, until }) => [from, until])).toEqual([
    [point(10), point(12)],
    [point(18), point(19)],
  ]);
});

test('what lies on another timeline is a window of its own', () => {
  expect(recoveryWindows([rolls(10, 20, 1), rolls(12, 20, 2)])).toHaveLength(2);
});
