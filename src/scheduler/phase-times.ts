import type { RunPhase } from './run-record.ts';

/** Adds up how long a run is in each of its phases. */
export class PhaseTimes {
  readonly #monotonic: () => number;
  readonly #phases = new Map<string, number>();
  #current: string | undefined;
  #since = 0;

  /** `monotonic`: milliseconds that only grow. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  enter(phase: string): void {
    if (phase === this.#current) return;
    this.leave();
    this.#current = phase;
    this.#since = this.#monotonic();
  }

  leave(): void {
    if (this.#current === undefined) return;
    const took = this.#monotonic() - this.#since;
    this.#phases.set(this.#current, (this.#phases.get(this.#current) ?? 0) + took);
    this.#current = undefined;
  }

  get all(): RunPhase[] {
    return [...this.#phases].map(([name, took]) => ({ name, durationSeconds: took / 1000 }));
  }
}
