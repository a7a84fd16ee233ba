import type { Gauge, Registry } from 'prom-client';
import type { Task } from '../jobs/job.ts';
import type { Tick } from '../scheduler/scheduler.ts';
import { gaugeFactory, seconds } from './gauges.ts';

/** The series of the scheduler. */
export class ScheduleMetrics {
  readonly #nextRun: Gauge<'cluster' | 'task'>;
  readonly #pausedUntil: Gauge<'cluster' | 'task'>;
  readonly #lastTick: Gauge;
  readonly #ticks: Map<string, number>;
  readonly #jobs: readonly { readonly cluster: string; readonly task: Task }[];

  constructor(registry: Registry, jobs: readonly { readonly cluster: string; readonly task: Task }[]) {
    const gauge = gaugeFactory(registry, ['cluster', 'task']);
    this.#nextRun = gauge('schedule_next_run_timestamp_seconds', 'Next planned start, 0 if none');
    this.#pausedUntil = gauge(
      'schedule_paused_until_timestamp_seconds',
      'End of the pause of the schedule, 0 if it is not paused',
    );
    this.#lastTick = gaugeFactory(registry, [])(
      'scheduler_last_tick_timestamp_seconds',
      'Heartbeat of the scheduler, of its slowest cluster',
    );
    this.#jobs = jobs;
    this.#ticks = new Map(jobs.map(({ cluster }) => [cluster, 0]));
    for (const { cluster, task } of jobs) {
      this.#nextRun.set({ cluster, task }, 0);
      this.#pausedUntil.set({ cluster, task }, 0);
    }
  }

  ticked({ cluster, at, nextRuns }: Tick): void {
    this.#ticks.set(cluster, at);
    // one value for all: a scheduler that stands still must not hide behind another one
    this.#lastTick.set(seconds(this.#ticks.values().reduce((least, time) => Math.min(least, time))));
    const next = new Map(nextRuns.map((run) => [run.task, run.at]));
    for (const { task } of this.#jobs.filter((job) => job.cluster === cluster)) {
      this.#nextRun.set({ cluster, task }, seconds(next.get(task) ?? 0));
    }
  }

  /** Milliseconds since 1970 UTC; undefined where the schedule is not paused. */
  pauseSeen(cluster: string, task: Task, until: number | undefined): void {
    this.#pausedUntil.set({ cluster, task }, seconds(until ?? 0));
  }
}
