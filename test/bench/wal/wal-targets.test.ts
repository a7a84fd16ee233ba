import { expect, test } from '@jest/globals';
import { verdict } from '../../../bench/report.ts';
import type { Target } from '../../../bench/targets.ts';
import type { CatchUp } from '../../../bench/wal/catch-up.ts';
import type { Replay } from '../../../bench/wal/replay-log.ts';
import { walTables } from '../../../bench/wal/wal-report.ts';
import { walTargets } from '../../../bench/wal/wal-targets.ts';

const MEBIBYTE = 1024 * 1024;

function caughtUp(seconds: number, peakMebibytes = 100): CatchUp {
  const peakBytes = peakMebibytes * MEBIBYTE;
  return { seconds, confirmedSeconds: seconds / 2, cpuSeconds: seconds, peakBytes, storedBytes: 1e9 };
}

function replayed(totalSeconds: number): Replay & { peakBytes: undefined } {
  return { totalSeconds, redoSeconds: totalSeconds - 1, walBytes: 2e9, peakBytes: undefined };
}

/** One that no test expects, when there is another number of them than one. */
function only(targets: readonly Target[]): Target {
  const [target] = targets;
  return target !== undefined && targets.length === 1
    ? target
    : { what: 'none', value: 0, limit: 0, unit: 's' };
}

test('the age is held against one second, in seconds', () => {
  const lag = {
    p50: 0,
    p99: 1250,
    highest: 2000,
    samples: 600,
    walBytes: 1e9,
    rate: 3000,
    peakBytes: MEBIBYTE,
  };
  expect(verdict(only(walTargets({ lag })))).toBe('missed by 0.25 s');
  expect(walTables({ lag })[0]).toContain('| Larder | 0 | 1250 | 2000 | 600 | 1000 | 3000 | 1 |');
});

test('the TPS beside the receiver are held against those with none, not against those of the peer', () => {
  const load = [
    { receiver: undefined, rates: [1000, 1000, 10], cpuSeconds: [0], peakBytes: 0 },
    { receiver: 'Larder', rates: [950, 950, 990], cpuSeconds: [1], peakBytes: MEBIBYTE },
    { receiver: 'pg_receivewal', rates: [500], cpuSeconds: [3], peakBytes: MEBIBYTE },
  ];
  expect(only(walTargets({ load }))).toMatchObject({ value: 0.95, limit: 0.95 });
  expect(verdict(only(walTargets({ load })))).toBe('reached');
  expect(walTables({ load })[0]).toContain('| pg_receivewal | 500 | 0.50 × | 3.0 | 1 |');
});

test('each number of clients of a synchronous standby is a target of its own', () => {
  const rates = (one: number, four: number): Map<number, number[]> =>
    new Map([
      [1, [one]],
      [4, [four]],
    ]);
  const sync = [
    { receiver: 'Larder', rates: rates(900, 1500), peakBytes: MEBIBYTE },
    { receiver: 'pg_receivewal --synchronous', rates: rates(1000, 2000), peakBytes: MEBIBYTE },
  ];
  expect(walTargets({ sync }).map(verdict)).toEqual(['reached', 'missed by 0.15 ×']);
});

test('half of the time is twice the rate; the memory is that of our worst round', () => {
  const receivers = [
    { receiver: 'Larder', runs: [caughtUp(5), caughtUp(5), caughtUp(9, 250)] },
    { receiver: 'pg_receivewal', runs: [caughtUp(10, 900)] },
  ];
  const [rate, memory] = walTargets({ catchUp: { walBytes: 4e9, receivers } });
  expect(rate).toMatchObject({ value: 2, bound: 'at least', limit: 0.7 });
  expect(memory && verdict(memory)).toBe('missed by 50 MiB');
  expect(walTables({ catchUp: { walBytes: 4e9, receivers } })[0]).toContain('| pg_receivewal | 400 | 10.0 |');
});

test('a replay is held against that through cp', () => {
  const replay = [
    { command: 'larder', replays: [replayed(12)] },
    { command: 'cp', replays: [replayed(10)] },
  ];
  expect(only(walTargets({ replay }))).toMatchObject({ value: 1.2, limit: 1.1 });
  expect(walTables({ replay })[0]).toContain('| cp, plain files | 10.00 | 9.00 | – |');
});

test('what was not measured is no target', () => {
  expect(walTargets({})).toEqual([]);
  expect(walTables({})).toEqual([]);
});
