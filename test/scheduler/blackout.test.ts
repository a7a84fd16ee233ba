import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endOfBlackout, isBlackedOut, parseBlackouts } from '../../src/scheduler/blackout.ts';

const at = (iso: string) => Date.parse(iso);
const covers = (text: string, iso: string) => isBlackedOut(parseBlackouts(text), at(iso));

test.each([
  ['08:00-18:00', '2026-11-22T08:00:00Z', true],
  ['08:00-18:00', '2026-11-22T17:59:59Z', true],
  ['08:00-18:00', '2026-11-22T18:00:00Z', false],
  // 22 November 2026 is a Sunday
  ['mon-fri 08:00-18:00', '2026-11-22T12:00:00Z', false],
  ['fri-mon 08:00-18:00', '2026-11-22T12:00:00Z', true],
  ['22:00-04:00', '2026-11-22T03:00:00Z', true],
  ['sat 22:00-04:00', '2026-11-22T03:00:00Z', true],
  ['sun 22:00-04:00', '2026-11-22T03:00:00Z', false],
  ['20:00-24:00', '2026-11-22T23:59:00Z', true],
  ['20:00-24:00', '2026-11-23T00:00:00Z', false],
  ['08:00-09:00 Europe/Berlin', '2026-11-22T07:30:00Z', true],
  ['08:00-09:00 Europe/Berlin', '2026-07-22T06:30:00Z', true],
  ['01:00-02:00, 03:00-04:00', '2026-11-22T03:30:00Z', true],
])('%s at %s: %s', (text, iso, expected) => {
  expect(covers(text, iso)).toBe(expected);
});

test.each(['8-18', '08:00', '25:00-26:00', '08:00-08:00', 'xyz 08:00-09:00', '08:00-09:00 Mars/Olympus'])(
  '"%s" is refused',
  (text) => {
    expect(() => parseBlackouts(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  },
);

test('a blackout ends at its end, also where another one begins there, and never where there is nothing else', () => {
  const blackouts = parseBlackouts('08:00-12:00, 12:00-18:00');
  expect(endOfBlackout(blackouts, at('2026-11-22T09:30:20Z'))).toBe(at('2026-11-22T18:00:00Z'));
  expect(endOfBlackout(blackouts, at('2026-11-22T07:30:20Z'))).toBe(at('2026-11-22T07:30:20Z'));
  const always = parseBlackouts('00:00-12:00, 12:00-24:00');
  expect(endOfBlackout(always, at('2026-11-22T09:30:20Z'))).toBe(at('2026-11-22T09:30:20Z'));
});

test('the end is the first minute that is not covered', () => {
  const blackouts = parseBlackouts('mon-fri 08:00-18:30 Europe/Berlin, sat 23:00-05:00 Asia/Tokyo');
  const moments = fc.integer({ min: at('2026-03-20T00:00:00Z'), max: at('2026-04-05T00:00:00Z') });
  fc.assert(
    fc.property(moments, (moment) => {
      const end = endOfBlackout(blackouts, moment);
      expect(isBlackedOut(blackouts, end)).toBe(false);
      for (let minute = moment; minute < end; minute += 60_000) {
        expect(isBlackedOut(blackouts, minute)).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});
