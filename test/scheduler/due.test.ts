import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Attempt, DueFacts } from '../../src/scheduler/due.ts';
import { dueNow } from '../../src/scheduler/due.ts';
import { Schedule } from '../../src/scheduler/schedule.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const slot = Date.parse('2026-11-22T02:00:00Z');
const facts = (fields: Partial<DueFacts>): DueFacts => ({
  now: slot + 1000,
  slot,
  nextSlot: slot + 7 * DAY,
  released: slot,
  firstTried: false,
  attempts: [over(slot - 168 * HOUR)],
  newest: 'unknown',
  catchUp: 'latest',
  catchUpWindow: DAY,
  overdue: false,
  expectedDuration: 0,
  ...fields,
});
const due = (fields: Partial<DueFacts>) => {
  const found = dueNow(facts(fields));
  return found?.kind === 'run' ? found.reason : found?.kind;
};
const over = (started: number, ended = started + HOUR): Attempt => ({ started, ended, state: 'over' });
const stopped = (started: number): Attempt => ({ started, ended: started + 1, state: 'interrupted' });
const died = (started: number): Attempt => ({ started, state: 'interrupted' });
const running = (started: number): Attempt => ({ started, state: 'running' });

describe('a repository without any backup', () => {
  test('gets its first at once, whatever the hour and whatever failed before', () => {
    expect(due({ newest: 'none', now: slot + 50 * HOUR, attempts: [over(slot + HOUR)] })).toBe('first');
    expect(due({ newest: 'none', slot: undefined, attempts: [] })).toBe('first');
  });

  test('is tried once in the life of a process, then waits for its slot', () => {
    const tried = { newest: 'none', firstTried: true, attempts: [over(slot + HOUR)] } as const;
    expect(due({ ...tried, now: slot + 50 * HOUR })).toBeUndefined();
    const next = slot + 168 * HOUR;
    expect(due({ ...tried, slot: next, released: next, now: next })).toBe('schedule');
  });

  test('is left alone while somebody is making it', () => {
    expect(due({ newest: 'none', attempts: [running(slot - HOUR)] })).toBeUndefined();
  });

  test('is not assumed where the repository cannot be read', () => {
    expect(due({ newest: 'unknown', now: slot + HOUR, attempts: [] })).toBeUndefined();
  });
});

describe('a slot', () => {
  test('is run on schedule when it is noticed on time, also before anything is known', () => {
    expect(dueNow(facts({}))).toEqual({ kind: 'run', reason: 'schedule', slot });
    expect(due({ attempts: [] })).toBe('schedule');
  });

  test('is satisfied by any attempt since, also a failed or manual one, and by one that was for it', () => {
    expect(due({ attempts: [over(slot)] })).toBeUndefined();
    expect(due({ attempts: [running(slot + 500)] })).toBeUndefined();
    expect(due({ attempts: [{ ...over(slot - HOUR, slot - HOUR / 2), slot }] })).toBeUndefined();
  });

  test('is satisfied by a run that was going on at its time', () => {
    expect(due({ attempts: [running(slot - HOUR)] })).toBeUndefined();
    expect(due({ attempts: [over(slot - HOUR, slot + HOUR)], now: slot + 2 * HOUR })).toBeUndefined();
  });

  test('is satisfied by a newer backup in the repository where the history is lost', () => {
    expect(due({ attempts: [], newest: slot + 500 })).toBeUndefined();
    expect(due({ attempts: [], newest: slot - HOUR, now: slot + HOUR })).toBe('catch_up');
  });

  test('is not satisfied by a run dated years ahead by a wrong clock', () => {
    expect(due({ attempts: [over(slot + 40_000 * HOUR)] })).toBe('schedule');
    expect(due({ attempts: [over(slot + 0.5 * HOUR)] })).toBeUndefined();
  });

  test('is satisfied by the run for it that a clock set back since dated hours ahead', () => {
    expect(due({ attempts: [{ ...over(slot + 5 * HOUR), slot }] })).toBeUndefined();
  });

  test('is not satisfied by a run of that date which a wrong clock wrote before it was set right', () => {
    const wrong = { ...over(slot + HOUR), slot };
    const right = over(slot - 30 * DAY);
    expect(due({ attempts: [wrong, right], now: slot + 2 * HOUR })).toBe('catch_up');
    expect(due({ attempts: [right, wrong], now: slot + 2 * HOUR })).toBeUndefined();
  });
});

describe('a slot that was missed', () => {
  const late = (hours: number, fields: Partial<DueFacts> = {}) =>
    due({ now: slot + hours * HOUR, ...fields });

  test('is caught up within its window, and later only where the objective is broken anyway', () => {
    expect(late(23)).toBe('catch_up');
    expect(late(25)).toBe('drop');
    expect(late(25, { overdue: true })).toBe('catch_up');
  });

  test('is dropped where nothing is to be caught up', () => {
    expect(late(1, { catchUp: 'none' })).toBe('drop');
    expect(late(0.01, { catchUp: 'none' })).toBe('schedule');
  });

  test('is dropped where the next one comes before a run would be over', () => {
    const soon = { nextSlot: slot + 3 * HOUR, expectedDuration: 2 * HOUR };
    expect(late(0.5, soon)).toBe('catch_up');
    expect(late(1.5, soon)).toBe('drop');
  });

  test('was not missed where nothing ran before', () => {
    expect(late(1, { attempts: [] })).toBeUndefined();
  });

  test('for a blackout is on time when that is over, and late as counted from then', () => {
    const released = slot + 8 * HOUR;
    expect(late(8, { released, catchUp: 'none' })).toBe('schedule');
    expect(late(31, { released })).toBe('catch_up');
    expect(late(33, { released })).toBe('drop');
  });
});

describe('a run that was interrupted', () => {
  const before = over(slot - 168 * HOUR);

  test('is run again for its slot, and for a newer one if there is one meanwhile', () => {
    const attempts = [before, { ...stopped(slot), slot }];
    expect(dueNow(facts({ attempts, now: slot + HOUR }))).toEqual({ kind: 'run', reason: 'rerun', slot });
    const next = { slot: slot + 7 * DAY, released: slot + 7 * DAY, now: slot + 9 * DAY };
    expect(dueNow(facts({ attempts, ...next }))).toMatchObject({ reason: 'rerun', slot: next.slot });
  });

  test('is run again also where it had no slot, and not where somebody typed it', () => {
    expect(due({ slot: undefined, attempts: [stopped(slot)] })).toBe('rerun');
    expect(due({ slot: undefined, attempts: [{ ...stopped(slot), byCommand: true }] })).toBeUndefined();
  });

  test('is not run again where the repository has its result: it died behind its last step', () => {
    const attempts = [before, died(slot + 500)];
    expect(due({ attempts, newest: slot, now: slot + HOUR })).toBeUndefined();
    expect(due({ attempts, newest: slot - DAY, now: slot + HOUR })).toBe('rerun');
  });

  test('is run again ever later the more often its process died with it, and never given up', () => {
    const deaths = (count: number) =>
      Array.from({ length: count }, (_, n) => died(slot - (count - 1 - n) * MINUTE));
    const waits = [1, 2, 3, 4, 5, 6, 12].map((count) => {
      const attempts = deaths(count);
      let wait = 0;
      while (due({ attempts, slot: undefined, now: slot + wait }) === undefined) wait += MINUTE;
      return wait / MINUTE;
    });
    expect(waits).toEqual([0, 1, 4, 16, 64, 256, 360]);
  });

  test('in good order is run again at once, however often', () => {
    const attempts = Array.from({ length: 100 }, (_, n) => stopped(slot + n));
    expect(due({ attempts, now: slot + 200 })).toBe('rerun');
  });

  test('does not keep a slot waiting that comes meanwhile', () => {
    const attempts = [died(slot - 3), died(slot - 2), died(slot - 1)];
    expect(due({ attempts, now: slot + 1 })).toBe('schedule');
  });
});

describe('for any life of a service', () => {
  const schedule = new Schedule('0 2 * * *', 'America/New_York');
  const begin = Date.parse('2026-10-20T00:00:00Z');
  /** Sleeps between looks at the clock, in minutes: ticks, restarts and nights switched off. */
  const sleeps = fc.array(fc.oneof(fc.constant(0.5), fc.nat({ max: 300 }), fc.nat({ max: 6000 })), {
    maxLength: 200,
  });

  test('every slot behind us is satisfied or dropped after a look, and never run twice', () => {
    fc.assert(
      fc.property(sleeps, (minutes) => {
        let now = begin;
        const attempts: Attempt[] = [over(begin - 24 * HOUR, begin - 23 * HOUR)];
        const satisfied = new Set<number>();
        for (const minute of minutes) {
          now += minute * 60_000;
          const last = schedule.previousRun(now)!;
          const look = facts({ now, slot: last, released: last, nextSlot: schedule.nextRun(now), attempts });
          if (dueNow(look) !== undefined) {
            expect(satisfied.has(last)).toBe(false);
            attempts.push({ ...over(now, now + 60_000), slot: last });
          }
          satisfied.add(last);
          expect(dueNow({ ...look, attempts: [...attempts] })).toBeUndefined();
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a clock set back by less than a day starts nothing that has run', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1400 }), (minutesBack) => {
        const now = slot + HOUR;
        const attempts = [over(slot - 168 * HOUR), over(slot + 1000)];
        const back = now - minutesBack * MINUTE;
        const last = new Schedule('0 2 * * 0').previousRun(back);
        expect(due({ now: back, slot: last, released: last, attempts })).toBeUndefined();
      }),
    );
  });
});
