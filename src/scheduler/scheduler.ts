import type { Clock } from '../clock.ts';
import type { Job, Task } from '../jobs/job.ts';
import { TASKS } from '../jobs/job.ts';
import { endOfBlackout, isBlackedOut, type Blackout } from './blackout.ts';
import { dueNow, type Due } from './due.ts';
import { dueVerifications } from './due-verifications.ts';
import type { History } from './history.ts';
import { planSteps, type Step } from './plan.ts';
import type { RunRecord } from './run-record.ts';
import type { JobRunner, RunRequest } from './runner.ts';
import type { Schedule } from './schedule.ts';
import { isBackup } from './task-order.ts';
import { attemptOf, expectedDuration, isOverdue, lastBackupFailed } from './run-facts.ts';

/** Short enough that a jump of the clock, or waking from a suspend, is noticed soon. */
const LONGEST_SLEEP_MS = 30_000;

export interface ScheduledTask {
  readonly task: Task;
  readonly schedule: Schedule;
  /**
   * When the newest result of the task in the repository was begun, in milliseconds; undefined if there is none. May
   * reject. Absent where the history alone can tell.
   */
  readonly newest?: () => Promise<number | undefined>;
  readonly catchUp: 'latest' | 'none';
  /** Milliseconds after a missed slot within which it is still run. */
  readonly catchUpWindow: number;
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
  /** Empty where another process decides. */
  readonly nextRuns: readonly NextRun[];
}

export interface SchedulerParts {
  readonly cluster: string;
  readonly tasks: readonly ScheduledTask[];
  /** The job that does a task; about one backup, where the task is about one. */
  readonly jobOf: (task: Task, backupId?: string) => Job;
  readonly verifyAfterBackup: boolean;
  readonly blackouts: readonly Blackout[];
  /** The tasks that are paused now; asked at every tick, since commands pause too. */
  readonly pausedTasks: (now: number) => Promise<ReadonlySet<Task>>;
  /** How old the newest backup may become, milliseconds. */
  readonly rpo: number;
  /** Whether this process is the one that decides. */
  readonly isLeader: () => boolean;
  readonly runner: JobRunner;
  readonly history: History;
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
  readonly #newest = new Map<Task, number | 'none'>();
  readonly #firstTried = new Set<Task>();
  #nap = new AbortController();

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

  /** Decides at once, and not only at the next tick: call it when a run has ended. */
  wake(): void {
    this.#nap.abort();
  }

  /** Asks the repository again: call it when this process begins to lead. Others may have made backups meanwhile. */
  forget(): void {
    this.#newest.clear();
    this.wake();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#nap = new AbortController();
      try {
        await this.#tick();
      } catch (error) {
        this.#parts.tickFailed(error);
      }
      await this.#sleepUntilNext();
    }
  }

  async #tick(): Promise<void> {
    const { cluster, clock, tasks, ticked, isLeader } = this.#parts;
    const leads = isLeader();
    const paused = await this.#parts.pausedTasks(clock.now());
    if (leads) await this.#decide((task) => paused.has(task));
    const nextRuns = leads ? tasks.map((task) => nextRunOf(task, clock.now())) : [];
    ticked({ cluster, at: clock.now(), nextRuns });
  }

  async #decide(isPaused: (task: Task) => boolean): Promise<void> {
    const { cluster, history, clock, runner, blackouts, isLeader } = this.#parts;
    const runs = (await history.runs()).filter((run) => run.cluster === cluster);
    const dues = await this.#dues(runs);
    const now = clock.now();
    const steps = planSteps({
      dues,
      pending: runner.pending.map(({ task }) => task),
      blackedOut: isBlackedOut(blackouts, now),
      isPaused,
      backupFailed: lastBackupFailed(runs),
    });
    for (const step of steps) {
      if (this.#stop.signal.aborted || !isLeader()) return;
      await this.#take(step);
    }
    if (isPaused('verify') || isBlackedOut(blackouts, now)) return;
    this.#startVerifications(runs);
  }

  async #dues(runs: readonly RunRecord[]): Promise<{ task: Task; due: Due }[]> {
    const byTask = Map.groupBy(runs, ({ task }) => task);
    const newest = await this.#readNewest();
    const overdue = isOverdue(runs, { now: this.#parts.clock.now(), rpo: this.#parts.rpo, newest });
    const dues = TASKS.filter((task) => task !== 'verify').map((task) => {
      const due = this.#dueOf(task, byTask.get(task) ?? [], { newest: newest.get(task), overdue });
      return { task, due };
    });
    return dues.flatMap(({ task, due }) => (due === undefined ? [] : [{ task, due }]));
  }

  #dueOf(
    task: Task,
    runs: readonly RunRecord[],
    {
      newest,
      overdue,
    }: { readonly newest: number | 'none' | 'unknown' | undefined; readonly overdue: boolean },
  ): Due | undefined {
    const scheduled = this.#parts.tasks.find((each) => each.task === task);
    const now = this.#parts.clock.now();
    const slot = scheduled?.schedule.previousRun(now);
    const { catchUp = 'none', catchUpWindow = 0 } = scheduled ?? {};
    return dueNow({
      now,
      firstTried: this.#firstTried.has(task) || this.#isFirstForOther(task),
      slot,
      nextSlot: scheduled?.schedule.nextRun(now),
      released: slot === undefined ? undefined : endOfBlackout(this.#blackoutsOf(task), slot),
      attempts: runs.map(attemptOf),
      newest: newestFor(task, newest),
      catchUp,
      catchUpWindow,
      overdue: overdue && isBackup(task),
      expectedDuration: expectedDuration(runs),
    });
  }

  /** The first backup is a full one, whatever it is called: one task is enough to ask for it. */
  #isFirstForOther(task: Task): boolean {
    return task === 'backup_incremental' && this.#parts.tasks.some((each) => each.task === 'backup_full');
  }

  #blackoutsOf(task: Task): readonly Blackout[] {
    return task === 'transaction_log' ? [] : this.#parts.blackouts;
  }

  /** Asked once: whatever comes after is in the history, and listing a bucket costs. */
  async #readNewest(): Promise<ReadonlyMap<Task, number | 'none' | 'unknown'>> {
    const found = new Map<Task, number | 'none' | 'unknown'>();
    for (const { task, newest } of this.#parts.tasks) {
      if (newest === undefined) continue;
      const known = this.#newest.get(task) ?? (await newestOrUnknown(newest));
      if (known !== 'unknown') this.#newest.set(task, known);
      found.set(task, known);
    }
    return found;
  }

  async #take(step: Step): Promise<void> {
    const { runner, jobOf } = this.#parts;
    const { task, due } = step;
    const request = requestOf(due);
    if (request.reason === 'first') this.#firstTried.add(task);
    if (step.kind === 'coalesce') await runner.coalesce(task, request);
    else if (step.kind === 'skip') await runner.skip(task, request, step.why);
    // not waited for: a run takes hours, the next tick 30 s. It rejects only when the service stops.
    else runner.run(jobOf(task), request).catch(() => undefined);
  }

  #startVerifications(runs: readonly RunRecord[]): void {
    const { runner, jobOf, verifyAfterBackup } = this.#parts;
    for (const backupId of dueVerifications(runs, verifyAfterBackup)) {
      runner.run(jobOf('verify', backupId), { reason: 'after_backup', backupId }).catch(() => undefined);
    }
  }

  async #sleepUntilNext(): Promise<void> {
    const { clock, tasks } = this.#parts;
    const now = clock.now();
    const untilSlots = tasks.map((task) => nextRunOf(task, now).at - now);
    const signal = AbortSignal.any([this.#stop.signal, this.#nap.signal]);
    try {
      await clock.sleep(Math.min(LONGEST_SLEEP_MS, ...untilSlots), signal);
    } catch {
      // stopped, or woken
    }
  }
}

function nextRunOf({ task, schedule }: ScheduledTask, now: number): NextRun {
  return { task, at: schedule.nextRun(now) };
}

/** Only of backups there must be a first one at once. */
function newestFor(task: Task, newest: number | 'none' | 'unknown' | undefined): number | 'none' | 'unknown' {
  if (newest === undefined) return 'unknown';
  return newest === 'none' && !isBackup(task) ? 'unknown' : newest;
}

function requestOf(due: Due): RunRequest {
  const reason = due.kind === 'run' ? due.reason : 'schedule';
  return { reason, ...(due.slot === undefined ? {} : { slot: due.slot }) };
}

async function newestOrUnknown(
  newest: () => Promise<number | undefined>,
): Promise<number | 'none' | 'unknown'> {
  try {
    return (await newest()) ?? 'none';
  } catch {
    // the repository's own check reports this; a scheduled run still starts, and fails visibly
    return 'unknown';
  }
}
