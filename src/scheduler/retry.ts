import type { LarderError } from '../errors.ts';

/** Before each further attempt, milliseconds. */
const DELAYS = [60_000, 240_000, 960_000] as const;
/** Replicas and clusters that failed together must not all come back in the same second. */
const SPREAD = 0.2;

export interface FailedAttempt {
  /** Counted from 1. */
  readonly attempt: number;
  readonly error: Pick<LarderError, 'code' | 'retryable'>;
  /** Milliseconds since the run began. */
  readonly elapsed: number;
  /** Milliseconds after the beginning of the run in which another attempt may begin: half the time between two slots. */
  readonly budget: number;
  /** From 0 up to 1. */
  readonly random: number;
}

/** Milliseconds until the next attempt; undefined where the run has failed. What nobody's waiting mends is not tried again. */
export function retryDelay({ attempt, error, elapsed, budget, random }: FailedAttempt): number | undefined {
  if (!error.retryable || error.code === 'INTERRUPTED') return undefined;
  const delay = DELAYS[attempt - 1];
  if (delay === undefined) return undefined;
  const spread = Math.round(delay * (1 + SPREAD * (2 * random - 1)));
  return elapsed + spread <= budget ? spread : undefined;
}
