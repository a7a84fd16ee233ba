import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';

/** Above this setTimeout fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a run of a task may take, in seconds. */
export interface RunLimits {
  /** The whole run, with all of its attempts. */
  readonly timeoutSeconds: number;
  /** Without a byte; undefined where the job does not tell of bytes. */
  readonly stallSeconds: number | undefined;
  /** After the beginning of the run, in which a failed attempt may be followed by another; 0 for none. */
  readonly retrySeconds: number;
}

/** Aborts `abort` with TIMED_OUT when the time is over, unless `over` aborts before. */
export async function limitTime(
  seconds: number,
  {
    abort,
    over,
    clock,
  }: { readonly abort: AbortController; readonly over: AbortSignal; readonly clock: Clock },
): Promise<void> {
  try {
    await clock.sleep(Math.min(seconds * 1000, LONGEST_TIMER_MS), over);
  } catch {
    return;
  }
  abort.abort(new LarderError('TIMED_OUT', `the run was ended at its time limit of ${seconds} seconds`));
}

/** Ends an attempt that moves nothing: a connection can stand still for hours without anybody calling it broken. */
export class StallWatch {
  readonly #abort = new AbortController();
  readonly #over = new AbortController();
  readonly #clock: Clock;
  #last: string | undefined;
  #movedAt: number;

  constructor(seconds: number | undefined, clock: Clock) {
    this.#clock = clock;
    this.#movedAt = clock.monotonic();
    if (seconds !== undefined) void this.#watch(seconds);
  }

  /** Aborts with TIMED_OUT. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What the job says of how far it is; the same said again is no progress. */
  moved(phase: string | undefined, doneBytes: number): void {
    const now = `${phase ?? ''} ${doneBytes}`;
    if (now === this.#last) return;
    this.#last = now;
    this.#movedAt = this.#clock.monotonic();
  }

  close(): void {
    this.#over.abort();
  }

  async #watch(seconds: number): Promise<void> {
    for (;;) {
      const left = this.#movedAt + seconds * 1000 - this.#clock.monotonic();
      if (left <= 0) break;
      try {
        await this.#clock.sleep(Math.min(left, LONGEST_TIMER_MS), this.#over.signal);
      } catch {
        return;
      }
    }
    this.#abort.abort(new LarderError('TIMED_OUT', `nothing has moved for ${seconds} seconds`));
  }
}
