import type { Task } from '../jobs/job.ts';
import { endOfBlackout, isBlackedOut, type Blackout } from './blackout.ts';
import { isMissed } from './due.ts';
import type { Pause } from './pauses.ts';
import { attemptOf } from './run-facts.ts';
import type { RunRecord } from './run-record.ts';
import type { Schedule } from './schedule.ts';
import { laneOf, rankOf } from './task-order.ts';

/** Times are milliseconds since 1970 UTC. */
export interface ScheduleFacts {
  readonly now: number;
  readonly schedules: ReadonlyMap<Task, Schedule>;
  readonly blackouts: readonly Blackout[];
  /** In force now, of the cluster. */
  readonly pauses: readonly Pause[];
  /** Of the cluster, in the order in which they were put on record. */
  readonly runs: readonly RunRecord[];
}

/** When one task runs, and why not sooner. Times are milliseconds since 1970 UTC. */
export interface TaskSchedule {
  readonly task: Task;
  readonly schedule: Schedule;
  /** When it is started next, after the pauses and blackouts that are known now. */
  readonly next: number;
  /** The last slot, where nobody has run it and nobody has said that it is not made up for. */
  readonly missed: number | undefined;
  readonly pause: Pause | undefined;
  /** The newest one that was asked for or due; it may go on. */
  readonly lastRun: RunRecord | undefined;
}

/** When every task with a schedule runs next, in the order in which tasks that are due together run. */
export function viewSchedules(facts: ScheduleFacts): TaskSchedule[] {
  return [...facts.schedules]
    .map(([task, schedule]) => viewSchedule(task, schedule, facts))
    .sort((a, b) => rankOf(a.task) - rankOf(b.task));
}

function viewSchedule(task: Task, schedule: Schedule, facts: ScheduleFacts): TaskSchedule {
  const { now } = facts;
  const runs = facts.runs.filter((run) => run.task === task);
  const pause = facts.pauses.find((each) => each.task === task);
  const blackouts = laneOf(task) !== 'log' ? facts.blackouts : [];
  const slot = schedule.previousRun(now);
  const released = slot === undefined ? undefined : endOfBlackout(blackouts, slot);
  const missed = isMissed({ now, slot, released, attempts: runs.map(attemptOf), newest: 'unknown' })
    ? slot
    : undefined;
  return {
    task,
    schedule,
    next: startOf(missed === undefined ? schedule.nextRun(now) : now, pause, blackouts),
    missed,
    pause,
    lastRun: runs.at(-1),
  };
}

/** A blackout may begin before a pause is over, and not the other way round: pauses have one end. */
function startOf(due: number, pause: Pause | undefined, blackouts: readonly Blackout[]): number {
  return endOfBlackout(blackouts, Math.max(due, pause?.until ?? due));
}

/** When the blackout that is on now is over; undefined where none is. */
export function blackoutUntil(blackouts: readonly Blackout[], now: number): number | undefined {
  return isBlackedOut(blackouts, now) ? endOfBlackout(blackouts, now) : undefined;
}
