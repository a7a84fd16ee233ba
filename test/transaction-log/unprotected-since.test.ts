import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UnprotectedSince } from '../../src/transaction-log/unprotected-since.ts';

describe('the time since when changes are unprotected', () => {
  test('is nothing before anything is known, and while everything known is durable', () => {
    const since = new UnprotectedSince();
    expect(since.value).toBe(0);
    since.protect(100n);
    since.observe(100n, 5_000);
    expect(since.value).toBe(0);
  });

  test('is the time the oldest change that is not durable was first known of', () => {
    const since = new UnprotectedSince();
    since.observe(10n, 1_000);
    since.observe(20n, 2_000);
    since.observe(30n, 3_000);
    since.protect(10n);
    expect(since.value).toBe(2_000);
    since.protect(30n);
    expect(since.value).toBe(0);
  });

  test('stays nothing on a server that says the same for an hour', () => {
    const since = new UnprotectedSince();
    since.protect(10n);
    for (let time = 0; time < 3_600_000; time += 10_000) since.observe(10n, time);
    expect(since.value).toBe(0);
  });

  test('is told anew on a timeline that begins below what was durable on its parent', () => {
    const since = new UnprotectedSince();
    since.observe(100n, 1000);
    since.protect(100n);
    since.branch(80n);
    expect(since.value).toBe(0);
    since.observe(90n, 2000);
    expect(since.value).toBe(2000);
    since.protect(90n);
    expect(since.value).toBe(0);
  });

  test('begins when a server that was caught up is lost sight of, and ends when it is heard again', () => {
    const since = new UnprotectedSince();
    since.protect(10n);
    since.lose(7_000);
    since.lose(9_000);
    expect(since.value).toBe(7_000);
    since.observe(10n, 20_000);
    expect(since.value).toBe(0);
  });

  test('is never later than the truth, and at most a little earlier', () => {
    const steps = fc.array(fc.tuple(fc.nat(200), fc.nat(50), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (moves) => {
        const since = new UnprotectedSince();
        const known: { end: bigint; time: number }[] = [];
        let [time, end, durable] = [1_000, 0n, 0n];
        for (const [wait, grow, flush] of moves) {
          time += wait;
          end += BigInt(grow);
          since.observe(end, time);
          known.push({ end, time });
          if (flush) since.protect((durable = (durable + end) / 2n));
          const truth = known.find((one) => one.end > durable)?.time ?? 0;
          expect(since.value === 0).toBe(truth === 0);
          expect(since.value).toBeLessThanOrEqual(truth);
          expect(since.value).toBeGreaterThanOrEqual(truth - 50);
        }
      }),
    );
  });
});
