import type { Clock } from '../clock.ts';
import type { Job, Task } from '../jobs/job.ts';
import type { Attempt, DueFacts } from './due.ts';
import { dueNow } from './due.ts';
import type { RunHistory } from './history.ts';
import type { RunRecord } from './run-record.ts';
import type { JobRunner } from './runner.ts';
import type { Schedule } from './schedule.ts';

/** Short enough that a jump of the clock, or waking from a suspend, is noticed soon. */
const LONGEST_SLEEP_MS = 30_000;

export interface ScheduledJob {
  readonly job: Job;
  readonly schedule: Schedule;
  /** When the newest backup of the job was started, in milliseconds; undefined if there is none. May reject. */
  readonly newestBackup: () => Promise<number | undefined>;
}

export interface NextRun {
  readonly task: Task;
  /** Milliseconds since 1970 UTC. */
  readonly at: number;
}

export interface Tick {
  readonly cluster: string;
  /** Milliseconds since 1970 UTC. */
  readonly at: number;
  readonly nextRuns: readonly NextRun[];
}

export interface SchedulerParts {
  readonly cluster: string;
  readonly jobs: readonly ScheduledJob[];
  readonly runner: JobRunner;
  readonly history: RunHistory;
  readonly clock: Clock;
  /** Called after every tick that went through: the heartbeat. */
  readonly ticked: (tick: Tick) => void;
  /** Called when a tick could not decide, for example because the history cannot be read. The next tick tries again. */
  readonly tickFailed: (error: unknown) => void;
}

/** Starts the jobs of one cluster when they are due. What is due follows from what is on record, not from timers. */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #stop = new AbortController();
  readonly #newestBackup = new Map<Task, number | 'none'>();
  readonly #firstTried = new Set<Task>();

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  /** Starts nothing more; a run in progress is the runner's to end. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#tick();
      } catch (error) {
        this.#parts.tickFailed(error);
      }
      await this.#sleepUntilNext();
    }
  }

  async #tick(): Promise<void> {
    const { cluster, clock, history, jobs, ticked } = this.#parts;
    const ours = (await history.runs()).filter((run) => run.cluster === cluster);
    const runs = Map.groupBy(ours, ({ task }) => task);
    for (const scheduled of jobs) await this.#startIfDue(scheduled, runs.get(scheduled.job.task) ?? []);
    ticked({ cluster, at: clock.now(), nextRuns: jobs.map((job) => nextRunOf(job, clock.now())) });
  }

  async #startIfDue(scheduled: ScheduledJob, runs: readonly RunRecord[]): Promise<void> {
    const { job } = scheduled;
    const facts = await this.#factsOf(scheduled, runs);
    const reason = dueNow(facts);
    if (reason === undefined || this.#stop.signal.aborted) return;
    if (reason === 'first') this.#firstTried.add(job.task);
    // not waited for: a run takes hours, the next tick 30 s. It rejects only when the service stops.
    this.#parts.runner.run(job, reason).catch(() => undefined);
  }

  async #factsOf(
    { job, schedule, newestBackup }: ScheduledJob,
    runs: readonly RunRecord[],
  ): Promise<DueFacts> {
    const known = this.#newestBackup.get(job.task) ?? (await newestOrUnknown(newestBackup));
    // asked once: whatever comes after is in the history, and listing a bucket costs
    if (known !== 'unknown') this.#newestBackup.set(job.task, known);
    const now = this.#parts.clock.now();
    return {
      now,
      firstTried: this.#firstTried.has(job.task),
      slot: schedule.previousRun(now),
      attempts: runs.map(attemptOf),
      newestBackup: known,
    };
  }

  async #sleepUntilNext(): Promise<void> {
    const { clock, jobs } = this.#parts;
    const now = clock.now();
    const untilSlots = jobs.map((job) => nextRunOf(job, now).at - now);
    try {
      await clock.sleep(Math.min(LONGEST_SLEEP_MS, ...untilSlots), this.#stop.signal);
    } catch {
      // stopped
    }
  }
}

function nextRunOf({ job, schedule }: ScheduledJob, now: number): NextRun {
  return { task: job.task, at: schedule.nextRun(now) };
}

async function newestOrUnknown(
  newestBackup: ScheduledJob['newestBackup'],
): Promise<number | 'none' | 'unknown'> {
  try {
    return (await newestBackup()) ?? 'none';
  } catch {
    // the repository's own check reports this; a scheduled run still starts, and fails visibly
    return 'unknown';
  }
}

function attemptOf({ started, ended, result }: RunRecord): Attempt {
  if (result === 'interrupted') return { started, state: 'interrupted' };
  return ended === undefined ? { started, state: 'running' } : { started, ended, state: 'over' };
}
