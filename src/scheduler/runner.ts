import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import type { Job, Task } from '../jobs/job.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { executeRun, failed, RunEnd, type Ending } from './execute-run.ts';
import type { History } from './history.ts';
import type { Permits } from './permits.ts';
import type { RunEvents } from './run-events.ts';
import type { RunLimits } from './run-limits.ts';
import type { RunReason, RunRecord, RunResult } from './run-record.ts';
import { coversTask, laneOf, rankOf, type Lane } from './task-order.ts';

export interface RunnerParts {
  readonly cluster: string;
  readonly history: History;
  readonly events: RunEvents;
  readonly clock: Clock;
  readonly limits: Readonly<Record<Task, RunLimits>>;
  /** Shared by all clusters. */
  readonly permits: Permits;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export interface RunRequest {
  readonly reason: RunReason;
  /** The slot that it is to satisfy. */
  readonly slot?: number;
  /** The backup it is about, of a job that is about one. */
  readonly backupId?: string;
  /** Who asked, as the audit trail names them. */
  readonly requestedBy?: string;
}

/** What became of a request. */
export interface Submission {
  /** False where the same was asked for before and is not over: then that run is given. */
  readonly isNew: boolean;
  /** Resolves when the run is on record, with how it stands then; also where it could not be put there and has failed. */
  readonly recorded: Promise<RunRecord>;
  /** Resolves with the record of its end. */
  readonly ended: Promise<RunRecord>;
}

/** A run from its request to its end. */
interface Entry {
  readonly job: Job;
  readonly abort: AbortController;
  readonly onRecord: PromiseWithResolvers<undefined>;
  readonly result: PromiseWithResolvers<RunRecord>;
  run: RunRecord;
  /** For others: its work has not begun. */
  waits: boolean;
  /** Resolves when what is on record of the waiting is durable. */
  recorded: Promise<void>;
}

/**
 * Runs the jobs of one cluster: of the heavy ones one at a time, in the order of their kinds, and seals of the log beside
 * them. Every run is on record before it waits, before its first step, and at its end.
 */
export class JobRunner {
  readonly #parts: RunnerParts;
  readonly #waiting: Entry[] = [];
  readonly #running = new Map<Lane, Entry>();
  #stopping = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Runs that are in progress, and those that wait for them. */
  get pending(): readonly RunRecord[] {
    return this.#entries().map(({ run }) => run);
  }

  /**
   * Runs the job as soon as those before it are over, and resolves with the record of the run, also of one that
   * failed. A task that already waits or runs is not run twice: both callers get the same record. Neither is an
   * incremental backup where a full one waits or runs: it resolves at once, as `coalesced`.
   * Rejects with INTERRUPTED when the runner is shutting down.
   */
  async run(job: Job, request: RunRequest): Promise<RunRecord> {
    return this.submit(job, request).ended;
  }

  /** As `run`, for who does not wait for the end. Throws INTERRUPTED when the runner is shutting down. */
  submit(job: Job, request: RunRequest): Submission {
    if (this.#stopping) throw stoppingError();
    const entries = this.#entries();
    const same = entries.find(({ run }) => run.task === job.task && run.backupId === request.backupId);
    if (same !== undefined) return submission(same, false);
    const covering = entries.find(({ run }) => coversTask(run.task, job.task));
    if (covering !== undefined) {
      const coalesced = this.coalesce(job.task, request, covering.run.id);
      return { isNew: false, recorded: coalesced, ended: coalesced };
    }
    const entry = this.#enter(job, request);
    if (this.#running.has(laneOf(job.task))) entry.recorded = this.#recordWaiting(entry);
    this.#waiting.push(entry);
    this.#startNext(laneOf(job.task));
    return submission(entry, true);
  }

  /** Puts on record that another run does the task's work too. Throws STATE_NOT_WRITABLE. */
  coalesce(task: Task, request: RunRequest, into?: string): Promise<RunRecord> {
    const coalescedInto = into ?? this.#entries().find(({ run }) => coversTask(run.task, task))?.run.id;
    return this.#notRun(task, request, {
      result: 'coalesced',
      ...(coalescedInto === undefined ? {} : { coalescedInto }),
      remark: 'the full backup that runs holds all that it would',
    });
  }

  /** Puts on record that a slot is not made up for. Throws STATE_NOT_WRITABLE. */
  skip(task: Task, request: RunRequest, why: string): Promise<RunRecord> {
    return this.#notRun(task, request, { result: 'skipped', remark: why });
  }

  /** Ends the run as `canceled`, also one that waits; false where there is no such run. */
  cancel(runId: string): boolean {
    const entry = this.#entries().find(({ run }) => run.id === runId);
    if (entry === undefined) return false;
    this.#end(entry, 'canceled', 'the run was canceled');
    return true;
  }

  /** Ends all runs as `interrupted`, and resolves when their ends are on record. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    await this.interrupt('the service was told to stop');
  }

  /** Ends all runs as `interrupted`: whoever is next runs them again. Resolves when their ends are on record. */
  async interrupt(why: string): Promise<void> {
    const entries = this.#entries();
    for (const entry of entries) this.#end(entry, 'interrupted', `the run was interrupted: ${why}`);
    await Promise.allSettled(entries.map(({ result }) => result.promise));
  }

  #entries(): Entry[] {
    return [...this.#running.values(), ...this.#waiting];
  }

  #enter(job: Job, request: RunRequest): Entry {
    const { cluster, clock } = this.#parts;
    return {
      job,
      abort: new AbortController(),
      onRecord: Promise.withResolvers<undefined>(),
      result: Promise.withResolvers<RunRecord>(),
      run: newRun(cluster, job.task, { request, now: clock.now() }),
      waits: false,
      recorded: Promise.resolve(),
    };
  }

  /** A request must survive the process that it waits in; one that cannot be put on record fails when its turn comes. */
  async #recordWaiting(entry: Entry): Promise<void> {
    entry.waits = true;
    await this.#parts.history.append({ ...entry.run, waiting: true }).catch(() => undefined);
    entry.onRecord.resolve(undefined);
  }

  #startNext(lane: Lane): void {
    if (this.#running.has(lane)) return;
    const [next] = this.#waiting
      .filter(({ run }) => laneOf(run.task) === lane)
      .sort((a, b) => rankOf(a.run.task) - rankOf(b.run.task));
    if (next === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#running.set(lane, next);
    void this.#execute(next).then((ended) => {
      this.#running.delete(lane);
      this.#parts.events.ended(ended);
      next.result.resolve(ended);
      this.#startNext(lane);
    });
  }

  async #execute(entry: Entry): Promise<RunRecord> {
    const { history, events, clock, limits } = this.#parts;
    await entry.recorded;
    const began = clock.monotonic();
    const run = (entry.run = { ...entry.run, started: clock.now() });
    entry.waits = false;
    let ending: Ending;
    try {
      await history.append(run);
      entry.onRecord.resolve(undefined);
      if (!entry.abort.signal.aborted) events.started(run);
      ending = await executeRun(entry.job, run, {
        ...this.#parts,
        limits: limits[run.task],
        signal: entry.abort.signal,
      });
    } catch (error) {
      ending = failed(toLarderError(error));
    }
    const durationSeconds = (clock.monotonic() - began) / 1000;
    entry.run = await this.#recorded({ ...run, ...ending, ended: clock.now(), durationSeconds });
    entry.onRecord.resolve(undefined);
    return entry.run;
  }

  #end(entry: Entry, result: RunEnd['result'], message: string): void {
    if (!entry.abort.signal.aborted) entry.abort.abort(new RunEnd(result, message));
    const index = this.#waiting.indexOf(entry);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    void this.#endUnstarted(entry);
  }

  async #endUnstarted(entry: Entry): Promise<void> {
    await entry.recorded;
    const ending = failed(toLarderError(entry.abort.signal.reason));
    entry.waits = false;
    entry.run = await this.#recorded({ ...entry.run, ...ending, ended: this.#parts.clock.now() });
    this.#parts.events.ended(entry.run);
    entry.result.resolve(entry.run);
  }

  async #notRun(
    task: Task,
    request: RunRequest,
    ending: Partial<RunRecord> & { readonly result: RunResult },
  ): Promise<RunRecord> {
    const { cluster, history, events, clock } = this.#parts;
    const now = clock.now();
    const run = { ...newRun(cluster, task, { request, now }), ...ending, ended: now };
    await history.append(run);
    events.ended(run);
    return run;
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

function submission(entry: Entry, isNew: boolean): Submission {
  const recorded = entry.onRecord.promise.then(() => standing(entry));
  return { isNew, recorded, ended: entry.result.promise };
}

function standing({ run, waits }: Entry): RunRecord {
  return waits ? { ...run, waiting: true } : run;
}

function newRun(
  cluster: string,
  task: Task,
  { request, now }: { readonly request: RunRequest; readonly now: number },
): RunRecord {
  return { id: randomUUID(), cluster, task, ...request, started: now, process: readProcessIdentity() };
}

function stoppingError(): LarderError {
  return new LarderError('INTERRUPTED', 'the service is stopping and starts no more runs');
}
