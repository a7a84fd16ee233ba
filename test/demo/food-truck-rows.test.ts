import { expect, test } from '@jest/globals';
import { rowCounts } from '../../src/demo/food-truck-rows.ts';
import { TRUCK_SCHEMA } from '../../src/demo/food-truck-schema.ts';

test('row counts follow the scale, and no table stays empty', () => {
  expect(rowCounts(0.5).orders * 2).toBe(rowCounts(1).orders);
  expect(Math.min(...(Object.values(rowCounts(0)) as number[]))).toBeGreaterThan(0);
});

test('the partitions of the orders meet without a gap', () => {
  const bounds = [...TRUCK_SCHEMA.matchAll(/FROM \('([^']+)'\) TO \('([^']+)'\)/g)];
  expect(bounds).toHaveLength(12);
  for (const [index, bound] of bounds.slice(1).entries()) expect(bound[1]).toBe(bounds[index]![2]);
});
