import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LarderError } from '../../src/errors.ts';
import { Schedule } from '../../src/scheduler/schedule.ts';

const at = (text: string) => Date.parse(text);
const iso = (moment: number | undefined) =>
  moment === undefined ? undefined : new Date(moment).toISOString();

describe('a schedule that is refused', () => {
  const refused = (pattern: string, zone?: string) => {
    try {
      new Schedule(pattern, zone);
    } catch (error) {
      expect(error).toBeInstanceOf(LarderError);
      return error as LarderError;
    }
    throw new Error(`"${pattern}" was taken`);
  };

  test.each([
    '',
    'soon',
    '0 2 * *',
    '61 2 * * *',
    '* * * * * *',
    '0 2 * * 0 2026',
    '@never',
    '2026-12-01T00:00:00',
  ])('%j is not a cron pattern', (pattern) => {
    const error = refused(pattern);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.hint).toContain('0 2 * * 0');
  });

  test('a pattern that never fires is refused instead of waiting for ever', () => {
    expect(refused('0 0 31 2 *').message).toBe('schedule "0 0 31 2 *" never fires');
  });

  test('an unknown zone is refused when the configuration is read, not at the first night', () => {
    expect(refused('0 2 * * 0', 'Mars/Olympus').message).toBe('time zone "Mars/Olympus" is not known');
  });
});

describe('the slots around a moment', () => {
  const sunday = new Schedule('0 2 * * 0');

  test('a slot belongs to the past from its own millisecond on', () => {
    const slot = at('2026-11-22T02:00:00.000Z');
    expect(iso(sunday.previousRun(slot - 1))).toBe('2026-11-15T02:00:00.000Z');
    expect(iso(sunday.previousRun(slot))).toBe('2026-11-22T02:00:00.000Z');
    expect(iso(sunday.nextRun(slot - 1))).toBe('2026-11-22T02:00:00.000Z');
    expect(iso(sunday.nextRun(slot))).toBe('2026-11-29T02:00:00.000Z');
  });

  test('nicknames and leap days work', () => {
    expect(iso(new Schedule('@daily').nextRun(at('2026-11-22T12:00:00Z')))).toBe('2026-11-23T00:00:00.000Z');
    expect(iso(new Schedule('0 2 29 2 *').previousRun(at('2026-11-22T12:00:00Z')))).toBe(
      '2024-02-29T02:00:00.000Z',
    );
  });

  test('in New York a backup at 02:30 runs at the end of the gap in spring and once in autumn', () => {
    const nightly = new Schedule('30 2 * * *', 'America/New_York');
    expect(iso(nightly.nextRun(at('2026-03-08T05:00:00Z')))).toBe('2026-03-08T07:00:00.000Z');
    const half = new Schedule('30 1 * * *', 'America/New_York');
    expect(iso(half.nextRun(at('2026-11-01T04:00:00Z')))).toBe('2026-11-01T05:30:00.000Z');
    expect(iso(half.nextRun(at('2026-11-01T05:30:00Z')))).toBe('2026-11-02T06:30:00.000Z');
  });
});

describe('for any pattern, zone and moment', () => {
  const zones = [
    'UTC',
    'America/New_York',
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Asia/Kathmandu',
  ];
  const schedules = fc
    .tuple(
      fc.integer({ min: 0, max: 59 }),
      fc.integer({ min: 0, max: 23 }),
      fc.constantFrom('*', '0', '1-5', '6'),
      fc.constantFrom(...zones),
    )
    .map(([minute, hour, day, zone]) => new Schedule(`${minute} ${hour} * * ${day}`, zone));
  const moments = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2036-01-01T00:00:00Z') });

  test('the slot before and the slot after enclose the moment', () => {
    fc.assert(
      fc.property(schedules, moments, (schedule, moment) => {
        const previous = schedule.previousRun(moment);
        expect(previous).toBeLessThanOrEqual(moment);
        expect(schedule.nextRun(moment)).toBeGreaterThan(moment);
      }),
      { numRuns: 300 },
    );
  });

  test('no slot is lost and none comes twice: what is next becomes what was previous', () => {
    fc.assert(
      fc.property(schedules, moments, (schedule, moment) => {
        const next = schedule.nextRun(moment);
        expect(schedule.previousRun(next)).toBe(next);
        expect(schedule.previousRun(next - 1)).toBe(schedule.previousRun(moment));
        expect(schedule.nextRun(next - 1)).toBe(next);
      }),
      { numRuns: 300 },
    );
  });

  test('a daily time comes once a local day, daylight saving or not', () => {
    const daily = schedules.filter(({ pattern }) => pattern.endsWith('* * *'));
    fc.assert(
      fc.property(daily, moments, (schedule, moment) => {
        const first = schedule.nextRun(moment);
        const hours = (schedule.nextRun(first) - first) / 3_600_000;
        expect(hours).toBeGreaterThanOrEqual(22.5);
        expect(hours).toBeLessThanOrEqual(25.5);
      }),
      { numRuns: 300 },
    );
  });
});
