import type { PauseView, ScheduleView } from './http/api/schedule-routes.ts';
import { localTimeText } from './scheduler/local-time.ts';
import type { Pause } from './scheduler/pauses.ts';
import type { TaskSchedule } from './scheduler/schedule-view.ts';

/** When everything of a cluster runs, as programs are shown it. `blackout`: until when one is on, ms since 1970 UTC. */
export function viewSchedule(
  cluster: string,
  blackout: number | undefined,
  tasks: readonly TaskSchedule[],
): Omit<ScheduleView, 'role'> {
  return {
    cluster,
    blackoutUntil: blackout === undefined ? null : iso(blackout),
    tasks: tasks.map(viewTask),
  };
}

function viewTask({
  task,
  schedule,
  next,
  missed,
  pause,
  lastRun,
}: TaskSchedule): ScheduleView['tasks'][number] {
  return {
    task,
    pattern: schedule.pattern,
    zone: schedule.zone,
    next: iso(next),
    nextLocal: localTimeText(next, schedule.zone),
    missed: missed === undefined ? null : iso(missed),
    pause: pause === undefined ? null : viewPause(pause),
    lastRun:
      lastRun === undefined
        ? null
        : { id: lastRun.id, started: iso(lastRun.started), result: lastRun.result ?? null },
  };
}

/** A pause as programs are shown it. */
export function viewPause({ since, until, ...pause }: Pause): PauseView {
  return { ...pause, since: iso(since), until: iso(until) };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
