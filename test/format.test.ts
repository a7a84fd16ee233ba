import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  formatBytes,
  formatDuration,
  formatRate,
  formatRatio,
  formatTime,
  plural,
  printable,
  shellWord,
} from '../src/format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [8192, '8.19 kB'],
  [99_949, '99.9 kB'],
  [99_951, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [3_500_000_000, '3.50 GB'],
  [5e18, '5000 PB'],
])('%d bytes are written %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('a size in bytes has at most three digits and never rounds to another unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9e14 }), (bytes) => {
      expect(formatBytes(bytes)).toMatch(/^(\d{1,3}|\d\.\d\d|\d\d\.\d) (B|kB|MB|GB|TB)$/);
    }),
  );
});

test.each([
  [0.04, '0.0 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [125, '2 min 05 s'],
  [3599.7, '1 h 00 min'],
  [86_399, '23 h 59 min'],
  [86_400, '1 d 00 h'],
  [270_000, '3 d 03 h'],
])('%d seconds are written %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('a rate of no time and a ratio to nothing are dashes', () => {
  expect(formatRate(1000, 0)).toBe('-');
  expect(formatRate(3_000_000, 2)).toBe('1.50 MB/s');
  expect(formatRatio(1000, 0)).toBe('-');
  expect(formatRatio(3300, 1000)).toBe('3.3 : 1');
});

test('times are UTC to the second', () => {
  expect(formatTime('2026-11-22T02:00:05.123Z')).toBe('2026-11-22 02:00:05 UTC');
});

test('nouns follow their number', () => {
  expect([0, 1, 2].map((count) => plural(count, 'file'))).toEqual(['0 files', '1 file', '2 files']);
});

describe('text from outside', () => {
  test('cannot steer a terminal, begin another line or turn its direction', () => {
    expect(printable('a\u001b[2Jb\nc\u009bd\u202ee\u2066f')).toBe('a\ufffd[2Jb\ufffdc\ufffdd\ufffde\ufffdf');
    expect(printable('Käse 🧀')).toBe('Käse 🧀');
  });

  test('is one word to a shell, whatever it is', () => {
    expect(shellWord('/var/lib/postgresql')).toBe('/var/lib/postgresql');
    expect(shellWord("it's $HOME")).toBe(`'it'\\''s $HOME'`);
    expect(shellWord('')).toBe("''");
  });
});
