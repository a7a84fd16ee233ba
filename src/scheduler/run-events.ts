import type { LarderError } from '../errors.ts';
import type { JobProgress } from '../jobs/job.ts';
import type { RunRecord } from './run-record.ts';

export interface RunProgress extends JobProgress {
  readonly run: RunRecord;
  /** Milliseconds since 1970 UTC. */
  readonly at: number;
}

/** An attempt failed, and another one is to come. */
export interface RunRetry {
  readonly run: RunRecord;
  /** The attempt that failed, counted from 1. */
  readonly attempt: number;
  readonly error: LarderError;
  /** Milliseconds until the next one. */
  readonly delay: number;
}

export interface RunListener {
  /** The run is on record and its work begins. */
  readonly started?: (run: RunRecord) => void;
  readonly progress?: (progress: RunProgress) => void;
  readonly retrying?: (retry: RunRetry) => void;
  /** The run is over; it may have ended before it started. */
  readonly ended?: (run: RunRecord) => void;
}

/** Tells listeners what happens to runs. A listener that throws is reported and never harms the run. */
export class RunEvents {
  readonly #listeners: RunListener[] = [];
  readonly #listenerFailed: (error: unknown) => void;

  constructor(listenerFailed: (error: unknown) => void) {
    this.#listenerFailed = listenerFailed;
  }

  listen(listener: RunListener): void {
    this.#listeners.push(listener);
  }

  started(run: RunRecord): void {
    this.#tell((listener) => listener.started?.(run));
  }

  progress(progress: RunProgress): void {
    this.#tell((listener) => listener.progress?.(progress));
  }

  retrying(retry: RunRetry): void {
    this.#tell((listener) => listener.retrying?.(retry));
  }

  ended(run: RunRecord): void {
    this.#tell((listener) => listener.ended?.(run));
  }

  #tell(call: (listener: RunListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener);
      } catch (error) {
        this.#listenerFailed(error);
      }
    }
  }
}
