import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { percentile } from '../../bench/percentile.ts';

test('a percentile is one of the values, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 50)).toBe(50);
  expect(percentile(hundred, 99)).toBe(99);
  expect(percentile(hundred, 100)).toBe(100);
  expect(percentile([7], 1)).toBe(7);
  expect(percentile([], 99)).toBeUndefined();
});

test('at least that part of the values is not above it, and fewer are below it', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (all, percent) => {
      const found = percentile(all, percent) ?? Number.NaN;
      expect(all).toContain(found);
      expect(all.filter((value) => value <= found).length * 100).toBeGreaterThanOrEqual(all.length * percent);
      expect(all.filter((value) => value < found).length * 100).toBeLessThan(all.length * percent);
    }),
  );
});
