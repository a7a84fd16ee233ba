import type { Lsn } from '../../src/postgres/lsn.ts';

/** How far the server's log was flushed when somebody looked. */
interface Observation {
  /** Milliseconds, monotonic. */
  readonly time: number;
  readonly flushed: Lsn;
}

/**
 * The age of the oldest change that the receiver has not confirmed. A change is dated by the first look that saw it, so
 * ages are too small by at most the time between two looks.
 */
export class UnconfirmedAge {
  /** In the order of time, so none is further than the one behind it. */
  #observations: Observation[] = [];

  /** Takes down how far the log is flushed at `time`, milliseconds that never go back. */
  saw(time: number, flushed: Lsn): void {
    this.#observations.push({ time, flushed });
  }

  /**
   * Milliseconds; 0 when everything that was seen is confirmed.
   *
   * @param confirmed everything before it is durable at the receiver; never less than at an earlier call
   */
  at(now: number, confirmed: Lsn): number {
    this.#observations = this.#observations.filter(({ flushed }) => flushed > confirmed);
    return now - (this.#observations[0]?.time ?? now);
  }
}
