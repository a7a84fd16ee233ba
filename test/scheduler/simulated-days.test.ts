import { expect, test } from '@jest/globals';
import { simulate } from '../support/schedule/simulate.ts';

/** Around a change of clocks each. The long tests live through ninety days. */
test.each([
  ['Europe/Berlin', '2026-03-26T00:00:00Z'],
  ['America/New_York', '2026-03-05T00:00:00Z'],
  ['America/Santiago', '2026-04-02T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-01T00:00:00Z'],
  ['Africa/Casablanca', '2026-03-19T00:00:00Z'],
])('in six days in %s no slot is lost or doubled, whatever fails, restarts or jumps', async (zone, begin) => {
  expect(await simulate(zone, begin, 6)).toEqual([]);
});
