import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Attempt, DueFacts } from '../../src/scheduler/due.ts';
import { dueNow } from '../../src/scheduler/due.ts';
import { Schedule } from '../../src/scheduler/schedule.ts';

const HOUR = 3_600_000;
const slot = Date.parse('2026-11-22T02:00:00Z');
const facts = (fields: Partial<DueFacts>): DueFacts => ({
  now: slot + 1000,
  slot,
  firstTried: false,
  attempts: [over(slot - 168 * HOUR)],
  newestBackup: 'unknown',
  ...fields,
});
const over = (started: number, ended = started + HOUR): Attempt => ({ started, ended, state: 'over' });
const interrupted = (started: number): Attempt => ({ started, state: 'interrupted' });
const running = (started: number): Attempt => ({ started, state: 'running' });

describe('a repository without any backup', () => {
  test('gets its first at once, whatever the hour and whatever failed before', () => {
    expect(
      dueNow(facts({ newestBackup: 'none', now: slot + 50 * HOUR, attempts: [over(slot + HOUR)] })),
    ).toBe('first');
    expect(dueNow(facts({ newestBackup: 'none', slot: undefined, attempts: [] }))).toBe('first');
  });

  test('is tried once in the life of a process, then waits for its slot', () => {
    const tried = facts({ newestBackup: 'none', firstTried: true, attempts: [over(slot + HOUR)] });
    expect(dueNow({ ...tried, now: slot + 50 * HOUR })).toBeUndefined();
    expect(dueNow({ ...tried, slot: slot + 168 * HOUR, now: slot + 168 * HOUR })).toBe('schedule');
  });

  test('is left alone while somebody is making it', () => {
    expect(dueNow(facts({ newestBackup: 'none', attempts: [running(slot - HOUR)] }))).toBeUndefined();
  });

  test('is not assumed where the repository cannot be read', () => {
    expect(dueNow(facts({ newestBackup: 'unknown', now: slot + HOUR, attempts: [] }))).toBeUndefined();
  });
});

describe('a slot', () => {
  test('is run on schedule when it is noticed on time, also before anything is known', () => {
    expect(dueNow(facts({}))).toBe('schedule');
    expect(dueNow(facts({ attempts: [], newestBackup: 'unknown' }))).toBe('schedule');
  });

  test('that was missed is caught up, however long ago it was', () => {
    expect(dueNow(facts({ now: slot + 2 * HOUR }))).toBe('catch_up');
    expect(dueNow(facts({ now: slot + 160 * HOUR }))).toBe('catch_up');
  });

  test('is satisfied by any attempt since, also a failed or manual one', () => {
    expect(dueNow(facts({ attempts: [over(slot)] }))).toBeUndefined();
    expect(dueNow(facts({ attempts: [running(slot + 500)] }))).toBeUndefined();
  });

  test('is satisfied by a run that was going on at its time', () => {
    expect(dueNow(facts({ attempts: [running(slot - HOUR)] }))).toBeUndefined();
    expect(
      dueNow(facts({ attempts: [over(slot - HOUR, slot + HOUR)], now: slot + 2 * HOUR })),
    ).toBeUndefined();
  });

  test('is satisfied by a newer backup in the repository where the history is lost', () => {
    expect(dueNow(facts({ attempts: [], newestBackup: slot + 500 }))).toBeUndefined();
    expect(dueNow(facts({ attempts: [], newestBackup: slot - HOUR, now: slot + HOUR }))).toBe('catch_up');
  });

  test('whose run was interrupted is run again, but not for ever', () => {
    const attempts = [interrupted(slot), interrupted(slot + 1), interrupted(slot + 2)];
    expect(dueNow(facts({ attempts: attempts.slice(0, 2), now: slot + HOUR }))).toBe('catch_up');
    expect(dueNow(facts({ attempts, now: slot + HOUR }))).toBeUndefined();
  });

  test('is not satisfied by a run dated years ahead by a wrong clock', () => {
    expect(dueNow(facts({ attempts: [over(slot + 40_000 * HOUR)] }))).toBe('schedule');
    expect(dueNow(facts({ attempts: [over(slot + 0.5 * HOUR)] }))).toBeUndefined();
  });
});

describe('for any life of a service', () => {
  const schedule = new Schedule('0 2 * * *', 'America/New_York');
  const begin = Date.parse('2026-10-20T00:00:00Z');
  /** Sleeps between looks at the clock, in minutes: ticks, restarts and nights switched off. */
  const sleeps = fc.array(fc.oneof(fc.constant(0.5), fc.nat({ max: 300 }), fc.nat({ max: 6000 })), {
    maxLength: 200,
  });

  test('every slot behind us is satisfied after a look, and never run twice', () => {
    fc.assert(
      fc.property(sleeps, (minutes) => {
        let now = begin;
        const attempts: Attempt[] = [over(begin - 24 * HOUR, begin - 23 * HOUR)];
        const satisfied = new Set<number>();
        for (const minute of minutes) {
          now += minute * 60_000;
          const due = schedule.previousRun(now)!;
          const look = { now, slot: due, firstTried: true, attempts, newestBackup: 'unknown' as const };
          if (dueNow(look) !== undefined) {
            expect(satisfied.has(due)).toBe(false);
            attempts.push(over(now, now + 60_000));
          }
          satisfied.add(due);
          expect(dueNow({ ...look, attempts: [...attempts] })).toBeUndefined();
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a clock set back starts nothing that has run', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (minutesBack) => {
        const now = slot + HOUR;
        const attempts = [over(slot - 168 * HOUR), over(slot + 1000)];
        const back = now - minutesBack * 60_000;
        const due = new Schedule('0 2 * * 0').previousRun(back);
        expect(dueNow(facts({ now: back, slot: due, attempts }))).toBeUndefined();
      }),
    );
  });
});
