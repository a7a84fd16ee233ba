const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** How long to wait before trying again: 250 ms, doubled each time, at most 30 s. */
export class Backoff {
  #next = FIRST_MS;

  /** Milliseconds. */
  next(): number {
    const delay = this.#next;
    this.#next = Math.min(delay * 2, LONGEST_MS);
    return delay;
  }

  /** What was tried worked. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}
