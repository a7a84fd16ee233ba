/** The seed of this run: LARDER_TEST_SEED, else a new one. Print it where something fails. */
export function seedFromEnvironment(): number {
  return Number(process.env['LARDER_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
}

/** Draws that a seed repeats. */
export class SeededRandom {
  /** For messages: it repeats the draws, not the machine. */
  readonly seed: number;
  readonly #next: () => number;

  constructor(seed = seedFromEnvironment()) {
    this.seed = seed;
    this.#next = mulberry32(seed);
  }

  /** From 0 up to 1. */
  fraction(): number {
    return this.#next();
  }

  /** A whole number from 0 up to `below`. */
  below(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True in `percent` of a hundred draws. */
  chance(percent: number): boolean {
    return this.#next() * 100 < percent;
  }

  /** True once in so many times. */
  once(inHowMany: number): boolean {
    return this.below(inHowMany) === 0;
  }

  /** One of them; there must be one. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** A generator of its own: what it draws does not depend on how much others draw meanwhile. */
  fork(): SeededRandom {
    return new SeededRandom(this.below(2 ** 32));
  }
}

/** A generator of 32 bits of state: enough to spread draws. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
