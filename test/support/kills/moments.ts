import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom, seedFromEnvironment } from '../seeded-random.ts';
import type { Ending, OperationProcess } from './operation-process.ts';

/** One signal in this many is aimed at a phase. */
const AIMED_EVERY = 4;
/** Milliseconds behind a sign within which its moments lie. */
const AFTER_SIGN = 5;
/** How much a new duration counts against those before. */
const WEIGHT = 0.2;

/** What to aim at: any moment of a phase; or those right behind a sign in the phase, looked for every millisecond. */
export interface Aim {
  readonly phase: string;
  readonly sign?: () => boolean;
}

/**
 * Draws the moments of the signals: uniformly over the time a whole operation takes, which is followed as the machine's
 * load changes; every fourth one is aimed, so that what is short is met too. The seed (LARDER_TEST_SEED
 * gives one) repeats the draws, not the machine.
 */
export class Moments {
  readonly seed: number;
  readonly #aims: readonly Aim[];
  readonly #random: SeededRandom;
  readonly #durations = new Map<string, number>();
  #drawn = 0;

  /** `aims` are taken in turn. */
  constructor(aims: readonly Aim[], seed = seedFromEnvironment()) {
    this.seed = seed;
    this.#aims = aims;
    this.#random = new SeededRandom(seed);
  }

  /** Learns from an operation that was left to end. */
  learn({ durations }: Ending): void {
    for (const [phase, seen] of durations) {
      const known = this.#durations.get(phase) ?? seen;
      this.#durations.set(phase, known + WEIGHT * (seen - known));
    }
  }

  /** Waits for the moment of one operation that has just begun. */
  async next(operation: OperationProcess): Promise<void> {
    const part = this.#random.fraction();
    this.#drawn += 1;
    if (this.#drawn % AIMED_EVERY !== 0)
      return delay(part * this.#durations.values().reduce((sum, each) => sum + each, 0));
    const { phase, sign } = this.#aims[(this.#drawn / AIMED_EVERY) % this.#aims.length]!;
    await operation.until(phase);
    while (sign !== undefined && !sign() && !operation.isOver) await delay(1);
    return delay(part * (sign === undefined ? (this.#durations.get(phase) ?? 0) : AFTER_SIGN));
  }

  /** A whole number from 0 up to `below`. */
  choose(below: number): number {
    return this.#random.below(below);
  }
}
