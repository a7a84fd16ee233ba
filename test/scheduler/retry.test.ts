import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LarderError } from '../../src/errors.ts';
import { retryDelay } from '../../src/scheduler/retry.ts';

const MINUTE = 60_000;
const lost = new LarderError('CONNECTION_LOST', 'lost');
const failed = { attempt: 1, error: lost, elapsed: 0, budget: 24 * 60 * MINUTE, random: 0.5 };

test('what may mend is tried three times more, after a minute, four and sixteen', () => {
  const delays = [1, 2, 3, 4].map((attempt) => retryDelay({ ...failed, attempt }));
  expect(delays).toEqual([MINUTE, 4 * MINUTE, 16 * MINUTE, undefined]);
});

test.each([
  'CONFIG_INVALID',
  'SERVER_REFUSED_LOGIN',
  'SERVER_NOT_PRIVILEGED',
  'NOT_BUILT_YET',
  'INTERRUPTED',
] as const)('%s is not tried again', (code) => {
  expect(retryDelay({ ...failed, error: new LarderError(code, 'no') })).toBeUndefined();
});

test('a delay differs by a fifth at most, and no attempt begins behind the budget', () => {
  const facts = fc.record({
    attempt: fc.integer({ min: 1, max: 3 }),
    elapsed: fc.nat({ max: 60 * MINUTE }),
    budget: fc.nat({ max: 60 * MINUTE }),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(facts, (given) => {
      const delay = retryDelay({ ...failed, ...given });
      if (delay === undefined) return;
      const middle = MINUTE * 4 ** (given.attempt - 1);
      expect(Math.abs(delay - middle)).toBeLessThanOrEqual(middle * 0.2 + 1);
      expect(given.elapsed + delay).toBeLessThanOrEqual(given.budget);
    }),
  );
});
