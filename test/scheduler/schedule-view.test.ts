import { expect, test } from '@jest/globals';
import { parseBlackouts } from '../../src/scheduler/blackout.ts';
import { Schedule } from '../../src/scheduler/schedule.ts';
import { blackoutUntil, viewSchedules, type ScheduleFacts } from '../../src/scheduler/schedule-view.ts';
import { anEndedRun } from '../support/run-records.ts';

const at = (text: string) => Date.parse(`2026-11-${text}Z`);
/** A Thursday. */
const now = at('26T12:00:00');
const daily = Schedule.parse('0 2 * * *');
const yesterday = anEndedRun({ task: 'backup_incremental', started: at('25T02:00:00') });
const today = anEndedRun({ task: 'backup_incremental', started: at('26T02:00:00') });
const pause = {
  cluster: 'truck',
  task: 'backup_incremental',
  since: now,
  until: at('28T15:00:00'),
  reason: 'moving',
  by: 'user:kim',
} as const;

function view(facts: Partial<ScheduleFacts> = {}) {
  const [seen] = viewSchedules({
    now,
    schedules: new Map([['backup_incremental', daily]]),
    blackouts: [],
    pauses: [],
    runs: [yesterday, today],
    ...facts,
  });
  return { next: new Date(seen?.next ?? 0).toISOString(), missed: seen?.missed, lastRun: seen?.lastRun };
}

test('a task runs in its next slot, and shows how it last went', () => {
  expect(view()).toEqual({ next: '2026-11-27T02:00:00.000Z', missed: undefined, lastRun: today });
});

test('a slot that was missed runs now, but not where nobody was there yet', () => {
  expect(view({ runs: [yesterday] })).toMatchObject({
    next: '2026-11-26T12:00:00.000Z',
    missed: at('26T02:00:00'),
  });
  expect(view({ runs: [] }).missed).toBeUndefined();
  // just due: the scheduler is about to start it
  expect(view({ runs: [yesterday], now: at('26T02:00:30') }).missed).toBeUndefined();
});

test('a pause and a blackout put it off, one after the other', () => {
  const blackouts = parseBlackouts('sat 14:00-18:00');
  expect(view({ pauses: [pause] }).next).toBe('2026-11-28T15:00:00.000Z');
  expect(view({ pauses: [pause], blackouts }).next).toBe('2026-11-28T18:00:00.000Z');
  expect(view({ blackouts: parseBlackouts('01:00-03:00') }).next).toBe('2026-11-27T03:00:00.000Z');
  expect(view({ pauses: [{ ...pause, task: 'verify' }] }).next).toBe('2026-11-27T02:00:00.000Z');
});

test('seals know no blackout', () => {
  const schedules = new Map([['transaction_log', daily] as const]);
  expect(view({ schedules, blackouts: parseBlackouts('01:00-03:00') }).next).toBe('2026-11-27T02:00:00.000Z');
});

test('tasks stand in the order in which they run', () => {
  const schedules = new Map(
    (['retention', 'backup_full', 'transaction_log'] as const).map((task) => [task, daily]),
  );
  const tasks = viewSchedules({ now, schedules, blackouts: [], pauses: [], runs: [] }).map(
    ({ task }) => task,
  );
  expect(tasks).toEqual(['transaction_log', 'backup_full', 'retention']);
});

test('a blackout that is on says when it is over', () => {
  expect(blackoutUntil(parseBlackouts('11:00-13:30'), now)).toBe(at('26T13:30:00'));
  expect(blackoutUntil(parseBlackouts('13:00-13:30'), now)).toBeUndefined();
});
