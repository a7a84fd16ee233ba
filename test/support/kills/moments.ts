import { setTimeout as delay } from 'node:timers/promises';
import type { Ending, OperationProcess } from './operation-process.ts';

/** One signal in this many is aimed at a phase. */
const AIMED_EVERY = 4;
/** How much a new duration counts against those before. */
const WEIGHT = 0.2;

/**
 * Draws the moments of the signals: uniformly over the time a whole operation takes, which is followed as the machine's
 * load changes; every fourth one uniformly over one phase, so that the short ones are met too. The seed repeats the draws,
 * not the machine.
 */
export class Moments {
  readonly seed: number;
  readonly #aims: readonly string[];
  readonly #random: () => number;
  readonly #durations = new Map<string, number>();
  #drawn = 0;

  /** `aims`: the phases to aim at, in turn. */
  constructor(aims: readonly string[], seed = seedFromEnvironment()) {
    this.seed = seed;
    this.#aims = aims;
    this.#random = mulberry32(seed);
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
    const part = this.#random();
    this.#drawn += 1;
    if (this.#drawn % AIMED_EVERY !== 0)
      return delay(part * this.#durations.values().reduce((sum, each) => sum + each, 0));
    const aim = this.#aims[(this.#drawn / AIMED_EVERY) % this.#aims.length] ?? '';
    await operation.until(aim);
    return delay(part * (this.#durations.get(aim) ?? 0));
  }

  /** A whole number from 0 up to `below`. */
  choose(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

function seedFromEnvironment(): number {
  return Number(process.env['LARDER_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
}

/** A generator of 32 bits of state: enough to spread moments. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
