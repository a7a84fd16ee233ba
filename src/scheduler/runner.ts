import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';
import { LarderError, toLarderError } from '../errors.ts';
import type { Job, JobOutcome, Task } from '../jobs/job.ts';
import type { RunHistory } from './history.ts';
import { readProcessIdentity } from '../process-identity.ts';
import type { RunEvents } from './run-events.ts';
import type { RunReason, RunRecord, RunResult } from './run-record.ts';

/** Above this setTimeout fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface RunnerParts {
  readonly cluster: string;
  readonly history: RunHistory;
  readonly events: RunEvents;
  readonly clock: Clock;
  /** How long a run of the task may take, in seconds. */
  readonly timeoutSeconds: Readonly<Record<Task, number>>;
}

type EndedFromOutside = Extract<RunResult, 'timeout' | 'canceled' | 'interrupted'>;
type Ending = Partial<RunRecord> & { readonly result: RunResult };

/** The run in progress. */
interface Running {
  readonly run: RunRecord;
  readonly abort: AbortController;
  endedBy: EndedFromOutside | undefined;
}

/** Runs the jobs of one cluster, one at a time. Every run is on record before its first step and at its end. */
export class JobRunner {
  readonly #parts: RunnerParts;
  readonly #pending = new Map<Task, Promise<RunRecord>>();
  #last: Promise<unknown> = Promise.resolve();
  #running: Running | undefined;
  #stopping = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** The run in progress, if any. */
  get running(): RunRecord | undefined {
    return this.#running?.run;
  }

  /**
   * Runs the job as soon as those before it are over, and resolves with the record of the run, also of one that
   * failed. A task that already waits or runs is not run twice: both callers get the same record.
   * Rejects with INTERRUPTED when the runner is shutting down.
   */
  run(job: Job, reason: RunReason): Promise<RunRecord> {
    const same = this.#pending.get(job.task);
    if (same !== undefined) return same;
    const run = this.#last
      .then(() => this.#execute(job, reason))
      .finally(() => this.#pending.delete(job.task));
    this.#pending.set(job.task, run);
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** Ends the run as `canceled`; false if it is not the one in progress. */
  cancel(runId: string): boolean {
    if (this.#running?.run.id !== runId) return false;
    this.#end(this.#running, 'canceled');
    return true;
  }

  /** Ends the run in progress as `interrupted`, drops those that wait, and resolves when the end is on record. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    if (this.#running !== undefined) this.#end(this.#running, 'interrupted');
    await this.#last;
  }

  async #execute(job: Job, reason: RunReason): Promise<RunRecord> {
    const { history, events, clock, cluster } = this.#parts;
    if (this.#stopping)
      throw new LarderError('INTERRUPTED', 'the service is stopping and starts no more runs');
    const began = clock.monotonic();
    const run = newRun(cluster, job.task, reason, clock.now());
    const running: Running = { run, abort: new AbortController(), endedBy: undefined };
    this.#running = running;
    let ending: Ending;
    try {
      await history.append(run);
      events.started(run);
      ending = await this.#work(job, running);
    } catch (error) {
      ending = failure('failure', toLarderError(error));
    }
    const durationSeconds = (clock.monotonic() - began) / 1000;
    const ended = await this.#recorded({ ...run, ...ending, ended: clock.now(), durationSeconds });
    this.#running = undefined;
    events.ended(ended);
    return ended;
  }

  /**
   * A job that ignores its signal is waited for, however long: starting another beside it would put two writers
   * on one repository.
   */
  async #work(job: Job, running: Running): Promise<Ending> {
    const { events, clock } = this.#parts;
    const { run, abort } = running;
    const workIsOver = new AbortController();
    void this.#limitTime(running, workIsOver.signal);
    try {
      abort.signal.throwIfAborted();
      const outcome = await job.run({
        runId: run.id,
        signal: abort.signal,
        progress: (progress) => events.progress({ ...progress, run, at: clock.now() }),
      });
      // also when it was told to stop in its last instant: what is committed is committed
      return over(outcome);
    } catch (error) {
      if (running.endedBy === undefined) return failure('failure', toLarderError(error));
      return failure(running.endedBy, toLarderError(abort.signal.reason));
    } finally {
      workIsOver.abort();
    }
  }

  async #limitTime(running: Running, workIsOver: AbortSignal): Promise<void> {
    const limit = this.#parts.timeoutSeconds[running.run.task] * 1000;
    try {
      await this.#parts.clock.sleep(Math.min(limit, LONGEST_TIMER_MS), workIsOver);
    } catch {
      return;
    }
    this.#end(running, 'timeout');
  }

  #end(running: Running, endedBy: EndedFromOutside): void {
    if (running.endedBy !== undefined) return;
    running.endedBy = endedBy;
    running.abort.abort(endedFromOutside(endedBy, this.#parts.timeoutSeconds[running.run.task]));
  }

  /** The work is done: an end that cannot be written changes nothing about its result. */
  async #recorded(ended: RunRecord): Promise<RunRecord> {
    try {
      await this.#parts.history.append(ended);
      return ended;
    } catch (error) {
      const warning = `the end of the run is not on record: ${toLarderError(error).message}`;
      return { ...ended, warnings: [...(ended.warnings ?? []), warning] };
    }
  }
}

function newRun(cluster: string, task: Task, reason: RunReason, started: number): RunRecord {
  return { id: randomUUID(), cluster, task, reason, started, process: readProcessIdentity() };
}

function over({ problem, ...outcome }: JobOutcome): Ending {
  return { ...outcome, ...(problem === undefined ? { result: 'success' } : failure('failure', problem)) };
}

function failure(result: RunResult, error: LarderError): Ending {
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return { result, errorCode: error.code, errorMessage: error.message, ...hint };
}

function endedFromOutside(endedBy: EndedFromOutside, limitSeconds: number): LarderError {
  const reasons: Record<EndedFromOutside, [ErrorCode, string]> = {
    timeout: ['TIMED_OUT', `the run was ended at its time limit of ${limitSeconds} seconds`],
    canceled: ['INTERRUPTED', 'the run was canceled'],
    interrupted: ['INTERRUPTED', 'the run was interrupted: the service was told to stop'],
  };
  return new LarderError(...reasons[endedBy]);
}
