import type { Lsn } from '../postgres/lsn.ts';

interface Sample {
  readonly end: Lsn;
  readonly time: number;
}

/** Samples closer together than this say the same; keeps the list short while the durable position stands still. */
const RESOLUTION_MS = 50;

/**
 * Since when changes are not protected: the time at which the oldest position that is not durable yet was first known to
 * exist on the server. It is 0 when everything known is durable, also on a server that has been idle for days: it never
 * looks at whether positions move.
 */
export class UnprotectedSince {
  #samples: Sample[] = [];
  #durable: Lsn = 0n;
  #lost: number | undefined;

  /** The server has WAL up to `end`, as known at `time` (milliseconds, ours). Being heard of ends a loss of contact. */
  observe(end: Lsn, time: number): void {
    this.#lost = undefined;
    const last = this.#samples.at(-1);
    if (end <= this.#durable || (last !== undefined && end <= last.end)) return;
    // the earlier time stays with the later end: an age is never told too small
    if (last !== undefined && this.#samples.length > 1 && time - last.time < RESOLUTION_MS) {
      this.#samples[this.#samples.length - 1] = { end, time: last.time };
    } else this.#samples.push({ end, time });
  }

  /** Everything before `lsn` is durable. */
  protect(lsn: Lsn): void {
    if (lsn <= this.#durable) return;
    this.#durable = lsn;
    const first = this.#samples.findIndex(({ end }) => end > lsn);
    this.#samples = first < 0 ? [] : this.#samples.slice(first);
  }

  /** The log goes on as another timeline, of which everything before `lsn` is durable; positions start anew there. */
  branch(lsn: Lsn): void {
    this.#durable = lsn;
    this.#samples = [];
  }

  /** Nothing is known of the server from `time` on: what it writes now may be unprotected. */
  lose(time: number): void {
    this.#lost ??= time;
  }

  /** Milliseconds since 1970 UTC; 0: caught up. */
  get value(): number {
    return this.#samples[0]?.time ?? this.#lost ?? 0;
  }
}
