import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { perTask, type Task } from '../../src/jobs/job.ts';
import { RunHistory } from '../../src/scheduler/history.ts';
import { Permits } from '../../src/scheduler/permits.ts';
import { RunEvents } from '../../src/scheduler/run-events.ts';
import type { RunRecord } from '../../src/scheduler/run-record.ts';
import { JobRunner } from '../../src/scheduler/runner.ts';
import { Schedule } from '../../src/scheduler/schedule.ts';
import type { Tick } from '../../src/scheduler/scheduler.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { anEndedRun } from '../support/run-records.ts';
import { until } from '../support/until.ts';

const MINUTE = 60_000;
let state: string;
let clock: FakeClock;
let history: RunHistory;
let ended: RunRecord[];
let ticks: Tick[];
let failures: unknown[];
let scheduler: Scheduler | undefined;
let leads: boolean;
let paused: ReadonlySet<Task>;

beforeEach(async () => {
  state = join(await mkdtemp(join(tmpdir(), 'larder-scheduler-')), 'state');
  clock = new FakeClock('2026-11-20T12:00:00Z');
  history = await RunHistory.open(state, clock);
  [ended, ticks, failures] = [[], [], []];
  leads = true;
  paused = new Set();
});
afterEach(async () => {
  scheduler?.stop();
  await rm(join(state, '..'), { recursive: true });
});

/** Starts the service with a full backup on Sundays at 02:00 UTC, and waits for its first tick. */
async function start(newest: () => Promise<number | undefined> = () => Promise.resolve(undefined)) {
  const events = new RunEvents((error) => failures.push(error));
  events.listen({ ended: (run) => ended.push(run) });
  const runner = new JobRunner({
    cluster: 'truck',
    history,
    events,
    clock,
    limits: perTask(() => ({ timeoutSeconds: 3600, stallSeconds: undefined, retrySeconds: 0 })),
    permits: new Permits(1),
    random: () => 0.5,
  });
  const job = { task: 'backup_full' as const, run: () => Promise.resolve({ warnings: [] }) };
  scheduler = new Scheduler({
    cluster: 'truck',
    tasks: [
      {
        task: 'backup_full',
        schedule: new Schedule('0 2 * * 0'),
        newest,
        catchUp: 'latest',
        catchUpWindow: 24 * 60 * MINUTE,
      },
    ],
    jobOf: () => job,
    verifyAfterBackup: false,
    blackouts: [],
    pausedTasks: () => Promise.resolve(paused),
    rpo: 24 * 60 * MINUTE,
    isLeader: () => leads,
    runner,
    history,
    clock,
    ticked: (tick) => ticks.push(tick),
    tickFailed: (error) => failures.push(error),
  });
  scheduler.start();
  await asleep();
}
const asleep = () => until(() => clock.sleeping === 1);

/** Lets time pass as the scheduler sees it: tick by tick. */
async function pass(milliseconds: number) {
  const end = clock.monotonic() + milliseconds;
  while (clock.monotonic() < end) {
    await clock.advance(Math.min(clock.untilWake, end - clock.monotonic()));
    await asleep();
  }
}
const runs = () => ended.map(({ reason, started }) => `${reason} ${new Date(started).toISOString()}`);

test('a new service makes its first backup at once and says when the next is planned', async () => {
  await start();
  await until(() => ended.length === 1);
  expect(runs()).toEqual(['first 2026-11-20T12:00:00.000Z']);
  expect(ticks[0]).toEqual({
    cluster: 'truck',
    at: Date.parse('2026-11-20T12:00:00Z'),
    nextRuns: [{ task: 'backup_full', at: Date.parse('2026-11-22T02:00:00Z') }],
  });
});

test('a paused schedule starts nothing, and what was due is made up for when it goes on', async () => {
  clock = new FakeClock('2026-11-22T01:58:50Z');
  await history.append(anEndedRun({ started: Date.parse('2026-11-15T02:00:00Z') }));
  paused = new Set(['backup_full']);
  await start(() => Promise.resolve(Date.parse('2026-11-15T02:00:00Z')));
  await pass(5 * MINUTE);
  expect(runs()).toEqual([]);
  paused = new Set();
  await pass(MINUTE);
  await until(() => ended.length === 1);
  expect(runs()[0]).toContain('catch_up 2026-11-22T02:0');
});

test('a backup starts in the very second of its slot, once', async () => {
  clock = new FakeClock('2026-11-22T01:58:50Z');
  await history.append(anEndedRun({ started: Date.parse('2026-11-15T02:00:00Z') }));
  await start(() => Promise.resolve(Date.parse('2026-11-15T02:00:00Z')));
  await pass(5 * MINUTE);
  expect(runs()).toEqual(['schedule 2026-11-22T02:00:00.000Z']);
});

describe('after a time without the service', () => {
  test('many missed slots become one run', async () => {
    await history.append(anEndedRun({ started: Date.parse('2026-10-04T02:00:00Z') }));
    await start(() => Promise.resolve(Date.parse('2026-10-04T02:00:00Z')));
    await until(() => ended.length === 1);
    await pass(2 * MINUTE);
    expect(runs()).toEqual(['catch_up 2026-11-20T12:00:00.000Z']);
  });

  test('a slot that was attempted is not run again, also where only the repository remembers', async () => {
    await start(() => Promise.resolve(Date.parse('2026-11-15T02:00:00Z')));
    await pass(2 * MINUTE);
    expect(runs()).toEqual([]);
  });

  test('a machine that slept over its slot catches up as soon as it wakes', async () => {
    await history.append(anEndedRun({ started: Date.parse('2026-11-15T02:00:00Z') }));
    await start(() => Promise.resolve(Date.parse('2026-11-15T02:00:00Z')));
    clock.jump(3 * 24 * 60 * MINUTE);
    await pass(MINUTE);
    await until(() => ended.length === 1);
    expect(runs()).toEqual(['catch_up 2026-11-23T12:00:30.000Z']);
  });
});

test('a clock that is set back starts nothing again', async () => {
  await start();
  await until(() => ended.length === 1);
  clock.jump(-30 * MINUTE);
  await pass(MINUTE);
  clock.jump(-23 * 60 * MINUTE);
  await pass(MINUTE);
  await until(() => ended.length === 1);
});

test('a repository that cannot be read is asked again, and nothing is started for it', async () => {
  let asked = 0;
  const unreadable = () =>
    asked++ < 3 ? Promise.reject(new Error('unreachable')) : Promise.resolve(undefined);
  await start(unreadable);
  await pass(MINUTE);
  expect(runs()).toEqual([]);
  await pass(MINUTE);
  await until(() => ended.length === 1);
  expect(runs()).toEqual(['first 2026-11-20T12:01:30.000Z']);
  expect(asked).toBe(4);
});

test('a tick that cannot read the history is reported, gives no heartbeat, and the next one tries again', async () => {
  await rm(state, { recursive: true });
  await writeFile(state, '');
  await start();
  expect(failures[0]).toMatchObject({ code: 'STATE_NOT_WRITABLE' });
  expect(ticks).toEqual([]);
  await rm(state);
  await RunHistory.open(state, clock);
  await pass(MINUTE);
  expect(ticks).not.toEqual([]);
  await until(() => ended.length === 1);
});

test('who does not lead starts nothing, says that it moves, and takes over with what others made in mind', async () => {
  leads = false;
  const made: { at?: number } = {};
  await start(() => Promise.resolve(made.at));
  await pass(2 * MINUTE);
  expect([runs(), ticks.at(-1)?.nextRuns]).toEqual([[], []]);
  leads = true;
  made.at = Date.parse('2026-11-20T12:01:00Z');
  scheduler?.forget();
  await until(() => ticks.at(-1)?.nextRuns.length === 1);
  expect(runs()).toEqual([]);
});

test('a stopped scheduler starts nothing', async () => {
  await history.append(anEndedRun({ started: Date.parse('2026-11-15T02:00:00Z') }));
  await start(() => Promise.resolve(Date.parse('2026-11-15T02:00:00Z')));
  scheduler?.stop();
  clock.jump(7 * 24 * 60 * MINUTE);
  await clock.advance(10 * MINUTE);
  expect(clock.sleeping).toBe(0);
  expect(runs()).toEqual([]);
});
