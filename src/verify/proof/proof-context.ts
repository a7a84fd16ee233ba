import type { Clock } from '../../clock.ts';

export interface ProofContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ProofProgress) => void;
}

export interface ProofProgress {
  /** In words. */
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes?: number;
}
