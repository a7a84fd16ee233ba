import { describe, expect, test } from '@jest/globals';
import { sealStart } from '../../src/transaction-log/seal.ts';

const MIB = 1024n * 1024n;
const stored = { ranges: [{ start: 2n * MIB, end: 9n * MIB }], segmentSize: Number(MIB) };
const first = { timeline: 1, history: [] };
const second = { timeline: 2, history: [{ timeline: 1, end: 5n * MIB + 700n, reason: 'promoted' }] };

describe('a seal begins', () => {
  test('where the archive does, when it is the first', () => {
    expect(sealStart(undefined, first, stored)).toBe(2n * MIB);
  });

  test('where the one before it ended', () => {
    expect(sealStart({ timeline: 1, to: '0/400000' }, first, stored)).toBe(4n * MIB);
    expect(sealStart({ timeline: 1, to: '0/400000' }, second, stored)).toBe(4n * MIB);
  });

  test('no later than the segment of the switch, when more than that was sealed on the old timeline', () => {
    expect(sealStart({ timeline: 1, to: '0/800000' }, second, stored)).toBe(5n * MIB);
  });

  test('where the archive does, when the last seal lies on a branch that was never taken', () => {
    expect(sealStart({ timeline: 3, to: '0/800000' }, second, stored)).toBe(2n * MIB);
  });
});
