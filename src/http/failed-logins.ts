/** Failures of one address within a minute that are answered; more are refused unlooked at. */
const MOST = 20;
const WINDOW = 60_000;
/** Addresses remembered at most: who has more of them is not held back by counting each. */
const MOST_ADDRESSES = 1000;

/** Counts failed logins by address, so that guessing is slow and costs no hashing. Times are milliseconds. */
export class FailedLogins {
  readonly #failures = new Map<string, number[]>();

  failed(address: string, now: number): void {
    const recent = this.#recent(address, now);
    if (!this.#failures.has(address) && this.#failures.size >= MOST_ADDRESSES) this.#forgetOldest();
    this.#failures.set(address, [...recent, now].slice(-MOST));
  }

  isBlocked(address: string, now: number): boolean {
    return this.#recent(address, now).length >= MOST;
  }

  #recent(address: string, now: number): number[] {
    return (this.#failures.get(address) ?? []).filter((time) => now - time < WINDOW);
  }

  #forgetOldest(): void {
    for (const address of this.#failures.keys()) {
      this.#failures.delete(address);
      return;
    }
  }
}
