import { expect, test } from '@jest/globals';
import { simulate } from '../support/schedule/simulate.ts';

test.each([
  ['Europe/Berlin', '2026-02-15T00:00:00Z'],
  ['America/New_York', '2026-02-15T00:00:00Z'],
  ['America/Santiago', '2026-02-15T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-08-15T00:00:00Z'],
  ['Africa/Casablanca', '2026-01-15T00:00:00Z'],
])(
  'in ninety days in %s no slot is lost or doubled, whatever fails, restarts or jumps',
  async (zone, begin) => {
    expect(await simulate(zone, begin, 90)).toEqual([]);
  },
  1_800_000,
);
