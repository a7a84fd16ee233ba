import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import type { Job, JobOutcome } from '../jobs/job.ts';
import type { History } from './history.ts';
import type { Permits } from './permits.ts';
import { PhaseTimes } from './phase-times.ts';
import { retryDelay } from './retry.ts';
import type { RunEvents } from './run-events.ts';
import { limitTime, StallWatch, type RunLimits } from './run-limits.ts';
import type { RunAttempt, RunRecord, RunResult } from './run-record.ts';
import { isBackup } from './task-order.ts';

export interface ExecutionParts {
  readonly history: History;
  readonly events: RunEvents;
  readonly clock: Clock;
  readonly limits: RunLimits;
  /** For what reads a server whole. */
  readonly permits: Permits;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** How a run came out, to be laid over its record. */
export type Ending = Partial<RunRecord> & { readonly result: RunResult };

/** Aborts to end the run; the reason says how it then ends. */
export class RunEnd extends LarderError {
  readonly result: Extract<RunResult, 'canceled' | 'interrupted'>;

  constructor(result: RunEnd['result'], message: string) {
    super('INTERRUPTED', message);
    this.result = result;
  }
}

/**
 * Does the work of a run that is on record: attempt after attempt, until one succeeds, or nothing is to be gained from
 * another. Never rejects.
 */
export function executeRun(
  job: Job,
  run: RunRecord,
  { signal, ...parts }: ExecutionParts & { readonly signal: AbortSignal },
): Promise<Ending> {
  return new Execution(job, run, parts, signal).toItsEnd();
}

class Execution {
  readonly #job: Job;
  readonly #run: RunRecord;
  readonly #parts: ExecutionParts;
  readonly #signal: AbortSignal;
  readonly #timeout = new AbortController();
  readonly #over = new AbortController();
  readonly #phases: PhaseTimes;
  readonly #attempts: RunAttempt[] = [];
  readonly #began: number;

  constructor(job: Job, run: RunRecord, parts: ExecutionParts, signal: AbortSignal) {
    this.#job = job;
    this.#run = run;
    this.#parts = parts;
    this.#signal = AbortSignal.any([signal, this.#timeout.signal]);
    this.#phases = new PhaseTimes(() => parts.clock.monotonic());
    this.#began = parts.clock.monotonic();
  }

  async toItsEnd(): Promise<Ending> {
    const { clock, limits } = this.#parts;
    void limitTime(limits.timeoutSeconds, { abort: this.#timeout, over: this.#over.signal, clock });
    try {
      const ending = await this.#untilOver();
      this.#phases.leave();
      return { ...ending, attempts: this.#attempts, phases: this.#phases.all };
    } finally {
      this.#over.abort();
    }
  }

  async #untilOver(): Promise<Ending> {
    while (!this.#isEnded()) {
      const outcome = await this.#attempt();
      if (!(outcome instanceof LarderError)) return succeeded(outcome);
      if (this.#isEnded()) break;
      const delay = this.#retryDelay(outcome);
      if (delay === undefined) return failed(outcome);
      await this.#pause(outcome, delay);
    }
    return failed(toLarderError(this.#signal.reason));
  }

  #isEnded(): boolean {
    return this.#signal.aborted;
  }

  /**
   * A job that ignores its signal is waited for, however long: starting another beside it would put two writers
   * on one repository.
   */
  async #attempt(): Promise<JobOutcome | LarderError> {
    const { clock } = this.#parts;
    const [started, began] = [clock.now(), clock.monotonic()];
    let outcome: JobOutcome | LarderError;
    try {
      outcome = await this.#work();
    } catch (error) {
      outcome = toLarderError(error);
    }
    const durationSeconds = (clock.monotonic() - began) / 1000;
    const failure =
      outcome instanceof LarderError ? { errorCode: outcome.code, errorMessage: outcome.message } : {};
    this.#attempts.push({ started, durationSeconds, ...failure });
    return outcome;
  }

  async #work(): Promise<JobOutcome> {
    const giveBack = await this.#permit();
    const stall = new StallWatch(this.#parts.limits.stallSeconds, this.#parts.clock);
    const signal = AbortSignal.any([this.#signal, stall.signal]);
    try {
      signal.throwIfAborted();
      // also when it was told to stop in its last instant: what is committed is committed
      return await this.#job.run({
        runId: this.#run.id,
        signal,
        progress: (progress) => {
          stall.moved(progress.phase, progress.doneBytes);
          if (progress.phase !== undefined) this.#phases.enter(progress.phase);
          this.#parts.events.progress({ ...progress, run: this.#run, at: this.#parts.clock.now() });
        },
      });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      stall.close();
      giveBack();
    }
  }

  async #permit(): Promise<() => void> {
    if (!isBackup(this.#run.task)) return () => undefined;
    const { permits } = this.#parts;
    if (permits.isTaken) this.#phases.enter('waiting for other clusters');
    const giveBack = await permits.take(this.#signal);
    this.#phases.leave();
    return giveBack;
  }

  #retryDelay(error: LarderError): number | undefined {
    return retryDelay({
      attempt: this.#attempts.length,
      error,
      elapsed: this.#parts.clock.monotonic() - this.#began,
      budget: this.#parts.limits.retrySeconds * 1000,
      random: this.#parts.random(),
    });
  }

  async #pause(error: LarderError, delay: number): Promise<void> {
    const { history, events, clock } = this.#parts;
    const run = { ...this.#run, attempts: [...this.#attempts] };
    this.#phases.enter('waiting to try again');
    // that the attempt failed is on record with the end, where it cannot be now
    await history.append(run).catch(() => undefined);
    events.retrying({ run, attempt: this.#attempts.length, error, delay });
    await clock.sleep(delay, this.#signal).catch(() => undefined);
    this.#phases.leave();
  }
}

function succeeded({ problem, ...outcome }: JobOutcome): Ending {
  return { ...outcome, ...(problem === undefined ? { result: 'success' } : failed(problem)) };
}

/** How a run ends with an error. */
export function failed(error: LarderError): Ending {
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  const result = error instanceof RunEnd ? error.result : error.code === 'TIMED_OUT' ? 'timeout' : 'failure';
  return { result, errorCode: error.code, errorMessage: error.message, ...hint };
}
