import { expect, test } from '@jest/globals';
import { parseOptions } from '../../bench/options.ts';

test('without arguments everything is measured three times on 2 GB', () => {
  expect(parseOptions([])).toEqual({
    rounds: 3,
    size: 2e9,
    only: [
      ...['backup', 'restore', 'memory', 'small'],
      ...['wal-lag', 'wal-sync', 'wal-catch-up', 'wal-replay'],
      ...['incremental-18', 'incremental-17', 'incremental-15', 'incremental-restore'],
      ...['idle', 'verify'],
    ],
  });
});

test('sizes are decimal megabytes and gigabytes', () => {
  expect(parseOptions(['--size', '200MB']).size).toBe(200e6);
  expect(parseOptions(['--size', '1.5GB']).size).toBe(1.5e9);
});

test.each([
  [['--size', '2'], '--size 2: expected'],
  [['--rounds', '0'], '--rounds 0: expected'],
  [['--only', 'backup,speed'], '--only speed: expected'],
])('%j is refused by name', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
