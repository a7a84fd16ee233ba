import { describe, expect, test } from '@jest/globals';
import { recoveredPoint, type PointFacts } from '../../src/drill/recovered-point.ts';

const BEGAN = Date.parse('2026-11-26T12:00:00Z');
const everything: PointFacts = {
  target: { kind: 'everything' },
  began: BEGAN,
  storedUntil: BEGAN - 3000,
  lastCommit: BEGAN - 60_000,
  backupEnd: BEGAN - 3_600_000,
  isWhole: true,
};

describe('what a drill lost', () => {
  test('is the time since the receiver had everything, however long nothing was committed', () => {
    expect(recoveredPoint(everything)).toEqual({ recoveredTo: BEGAN - 3000, lostSeconds: 3 });
  });

  test('is the time since the last replayed commit where the log was followed up to its damage only', () => {
    expect(recoveredPoint({ ...everything, isWhole: false })).toEqual({
      recoveredTo: BEGAN - 60_000,
      lostSeconds: 60,
    });
  });

  test('is not known where nobody can tell where the log ends, or the clocks disagree', () => {
    expect(recoveredPoint({ ...everything, storedUntil: undefined })).toEqual({
      recoveredTo: undefined,
      lostSeconds: null,
    });
    expect(recoveredPoint({ ...everything, storedUntil: BEGAN + 3_600_000 }).lostSeconds).toBeNull();
  });

  test('is nothing where a named moment was reached, and where a clock is a little ahead', () => {
    const target = { kind: 'time', time: BigInt(BEGAN - 9e6) * 1000n, inclusive: true } as const;
    expect(recoveredPoint({ ...everything, target })).toEqual({ recoveredTo: BEGAN - 9e6, lostSeconds: 0 });
    expect(recoveredPoint({ ...everything, storedUntil: BEGAN + 1000 }).lostSeconds).toBe(0);
  });
});
