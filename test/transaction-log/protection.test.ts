import { describe, expect, test } from '@jest/globals';
import { judgeRetention } from '../../src/transaction-log/protection.ts';
import { slotName } from '../../src/transaction-log/slot-name.ts';
import { namesUs } from '../../src/transaction-log/synchronous-warning.ts';

describe('WAL kept on the server', () => {
  test.each([
    [100, 'primary', 'fine'],
    [101, 'primary', 'drop-slot'],
    [101, 'history', 'warn'],
    [undefined, 'primary', 'fine'],
  ] as const)('of %s bytes with protect: %s is %s', (retained, protect, kind) => {
    expect(judgeRetention(retained, { protect, maxRetained: 100 })).toMatchObject({ kind });
  });
});

describe('synchronous_standby_names', () => {
  test.each([
    ['larder', true],
    ['FIRST 1 (other, larder)', true],
    ['ANY 2 ("Larder", b, c)', true],
    ['*', true],
    ['', false],
    ['larder2, other', false],
  ])('%s names us: %s', (names, expected) => {
    expect(namesUs(names, 'larder')).toBe(expected);
  });
});

test('a slot is named after the repository, in characters a slot may have', () => {
  expect(slotName('3F2504E0-4F89-41D3-9A0C-0305E82C3301')).toBe('larder_3f2504e04f89');
});
