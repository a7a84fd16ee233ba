import { describe, expect, test } from '@jest/globals';
import { addMonths, calendarOf } from '../../src/retention/calendar.ts';

const at = (text: string): number => Date.parse(text);

describe('the calendar', () => {
  const utc = calendarOf('UTC');

  test.each([
    ['2026-11-22T23:59:59Z', '2026-W47', '2026-11', '2026'],
    ['2026-11-23T00:00:00Z', '2026-W48', '2026-11', '2026'],
    ['2026-01-01T00:00:00Z', '2026-W01', '2026-01', '2026'],
    ['2027-01-01T00:00:00Z', '2026-W53', '2027-01', '2027'],
    ['2024-12-30T12:00:00Z', '2025-W01', '2024-12', '2024'],
    ['1999-12-31T12:00:00Z', '1999-W52', '1999-12', '1999'],
  ])('of UTC puts %s into %s, %s and %s', (time, week, month, year) => {
    expect([utc.week(at(time)), utc.month(at(time)), utc.year(at(time))]).toEqual([week, month, year]);
  });

  test('of a zone begins days where they begin there', () => {
    const auckland = calendarOf('Pacific/Auckland');
    const time = at('2026-12-31T12:30:00Z');
    expect([auckland.week(time), auckland.month(time), auckland.year(time)]).toEqual([
      '2026-W53',
      '2027-01',
      '2027',
    ]);
    const sunday = at('2026-11-22T12:00:00Z');
    expect([utc.week(sunday), auckland.week(sunday)]).toEqual(['2026-W47', '2026-W48']);
  });

  test('of a zone agrees with that of UTC where both are the same', () => {
    const zone = calendarOf('Etc/UTC');
    for (let time = at('2019-12-20T00:00:00Z'); time < at('2030-02-01T00:00:00Z'); time += 86_400_000 * 0.7)
      expect([zone.week(time), zone.month(time), zone.year(time)]).toEqual([
        utc.week(time),
        utc.month(time),
        utc.year(time),
      ]);
  });
});

test('months are added by the calendar, to the last day of one that is shorter', () => {
  const plus = (text: string, months: number): string => new Date(addMonths(at(text), months)).toISOString();
  expect(plus('2026-11-22T02:00:05.250Z', 12)).toBe('2027-11-22T02:00:05.250Z');
  expect(plus('2026-10-31T02:00:00Z', 1)).toBe('2026-11-30T02:00:00.000Z');
  expect(plus('2024-02-29T02:00:00Z', 12)).toBe('2025-02-28T02:00:00.000Z');
  expect(plus('2026-11-22T02:00:00Z', 84)).toBe('2033-11-22T02:00:00.000Z');
  expect(plus('2026-11-22T02:00:00Z', 0)).toBe('2026-11-22T02:00:00.000Z');
});
