import type { LarderError } from '../errors.ts';

/** Every kind of work; the names are the `task` of metrics and history. */
export const TASKS = [
  'backup_full',
  'backup_incremental',
  'transaction_log',
  'verify',
  'restore_test',
  'drill',
  'second_site_test',
  'retention',
] as const;

export type Task = (typeof TASKS)[number];

/** A value for every kind of work. */
export function perTask<T>(valueOf: (task: Task) => T): Readonly<Record<Task, T>> {
  return Object.fromEntries(TASKS.map((task) => [task, valueOf(task)])) as Record<Task, T>;
}

export interface JobProgress {
  /** What is being done, in a word, for people. */
  readonly phase?: string;
  readonly doneBytes: number;
  /** Undefined while the whole is not known. */
  readonly totalBytes?: number;
}

/** What a job is given by whoever runs it. */
export interface JobContext {
  readonly runId: string;
  /** Aborts when the run is to end: a time limit, a cancel, a shutdown. A job stops soon, then rejects. */
  readonly signal: AbortSignal;
  /** Reports bytes moved, as often as the job likes. */
  readonly progress: (progress: JobProgress) => void;
}

export interface JobOutcome {
  readonly backupId?: string;
  readonly sourceBytes?: number;
  readonly storedBytes?: number;
  readonly warnings: readonly string[];
  /** What came out otherwise than was asked for, and why; nothing is wrong with it. */
  readonly remark?: string;
  /** What is wrong with the durable result: the run counts as failed with this, and the result is kept. */
  readonly problem?: LarderError;
}

/** One kind of work on one cluster. It does not know when or by whom it is run. */
export interface Job {
  readonly task: Task;
  /** Resolves when the work is durable; rejects with a LarderError otherwise. */
  readonly run: (context: JobContext) => Promise<JobOutcome>;
}
