import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseTarget } from '../../src/drill/drill-target.ts';
import type { RecoveryWindow } from '../../src/verify/recovery-windows.ts';

function windowOf(from: number, seconds: number, timeline = 1): RecoveryWindow {
  const time = (second: number): string => new Date(second * 1000).toISOString();
  return {
    timeline,
    backup: 'b',
    from: { lsn: 0n, time: time(from) },
    until: { lsn: 1n, time: time(from + seconds) },
  };
}

describe('a random target', () => {
  test('is a whole second of one of the windows, on its timeline', () => {
    const window = fc.tuple(fc.nat(1e9), fc.nat(1e5), fc.integer({ min: 1, max: 5 }));
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (given, random) => {
          const windows = given.map(([from, seconds, timeline]) => windowOf(from, seconds, timeline));
          const { wanted } = chooseTarget({ kind: 'random' }, windows, () => random);
          const time = wanted.target.kind === 'time' ? wanted.target.time : -1n;
          expect(time % 1_000_000n).toBe(0n);
          const inside = windows.filter(
            ({ timeline, from, until }) =>
              timeline === wanted.timeline &&
              BigInt(Date.parse(from.time)) * 1000n <= time &&
              time <= BigInt(Date.parse(until.time)) * 1000n,
          );
          expect(inside.length).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('reaches the first second and the last one', () => {
    const windows = [windowOf(100, 9), windowOf(500, 9, 2)];
    const drawn = (random: number) => chooseTarget({ kind: 'random' }, windows, () => random).wanted;
    expect(drawn(0)).toMatchObject({ timeline: 1, target: { time: 100_000_000n } });
    expect(drawn(0.9999)).toMatchObject({ timeline: 2, target: { time: 509_000_000n } });
  });

  test('is refused where no log is stored', () => {
    expect(() => chooseTarget({ kind: 'random' }, [], () => 0)).toThrow('there is no second to draw');
  });
});

test('a named target is what was named, in words', () => {
  const target = { kind: 'time', time: 1_795_000_000_000_000n, inclusive: false } as const;
  expect(chooseTarget(target, [], () => 0)).toMatchObject({
    wanted: { target, timeline: 'latest', action: 'promote' },
    text: 'just before 2026-11-18 11:06:40.000000+00',
  });
});
