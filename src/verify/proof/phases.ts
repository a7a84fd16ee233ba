import type { Clock } from '../../clock.ts';
import type { Phase } from '../proof-report.ts';

/** How long each part of a proof took, in the order in which they began. */
export class Phases {
  readonly #clock: Clock;
  readonly #all: Phase[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly Phase[] {
    return this.#all;
  }

  /** Also of one that fails. */
  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const began = this.#clock.monotonic();
    try {
      return await work();
    } finally {
      this.#all.push({ name, seconds: (this.#clock.monotonic() - began) / 1000 });
    }
  }
}
