import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LarderError } from '../../../src/errors.ts';
import { formatTimestamp, parseTime } from '../../../src/restore/recovery/parse-time.ts';

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);
const micros = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n;

describe('a point in time', () => {
  test.each([
    ['2026-11-21 10:30:59+01', '2026-11-21T09:30:59Z'],
    ['2026-11-21T10:30:59Z', '2026-11-21T10:30:59Z'],
    ['2026-11-21 10:30', '2026-11-21T10:30:00Z'],
    ['2026-11-21 10:30 UTC', '2026-11-21T10:30:00Z'],
    ['2026-11-21 10:30:00-0330', '2026-11-21T14:00:00Z'],
    ['2026-11-21 10:30 Europe/Berlin', '2026-11-21T09:30:00Z'],
    ['2026-07-21 10:30 Europe/Berlin', '2026-07-21T08:30:00Z'],
    ['10 minutes ago', '2026-11-24T11:50:00Z'],
    ['1.5 hours ago', '2026-11-24T10:30:00Z'],
    ['2 days ago', '2026-11-22T12:00:00Z'],
    ['now', '2026-11-24T12:00:00Z'],
  ])('%s is %s', (text, iso) => {
    expect(parseTime(text, NOW)).toBe(micros(iso));
  });

  test.each([
    ['2026-02-30 10:00'],
    ['2026-11-21 24:00'],
    ['2026-11-21'],
    ['tomorrow'],
    ['2026-11-21 10:30 Mars/Olympus'],
    ['2026-11-21 10:30+16'],
    ['2026-11-21 10:30+01:60'],
    [''],
  ])('%j is refused', (text) => {
    expect(() => parseTime(text, NOW)).toThrow(LarderError);
  });

  test('that the clocks leave out or bring twice is refused', () => {
    expect(() => parseTime('2026-03-29 02:30 Europe/Berlin', NOW)).toThrow(/does not exist/);
    expect(() => parseTime('2026-10-25 02:30 Europe/Berlin', NOW)).toThrow(/exists twice/);
  });

  test('is read back to the microsecond as it is written', () => {
    const times = fc.bigInt(0n, 4_102_444_800_000_000n);
    fc.assert(fc.property(times, (time) => expect(parseTime(formatTimestamp(time), NOW)).toBe(time)));
  });
});
