import type { ClusterFingerprint } from '../../../src/demo/compare-clusters.ts';
import type { Journal, JournalMark } from './journal.ts';

/** How far every journal was, by database. */
export type Mark = ReadonlyMap<string, JournalMark>;

/**
 * What a copy of a backup must hold: each database after one of its batches, which was not begun after the backup ended,
 * and none missing that was committed before the backup began.
 */
export interface Expectation {
  readonly before: Mark;
  readonly after: Mark;
  readonly journals: ReadonlyMap<string, Journal>;
  /** Everything that the source held, catalogs too, when nothing changed during the backup. */
  readonly contents?: ClusterFingerprint;
}

/** Batches that were begun while the backup was taken. */
export function batchesDuring({ before, after }: Expectation): number {
  return [...after].reduce(
    (sum, [database, { begun }]) => sum + begun - (before.get(database)?.committed ?? 0),
    0,
  );
}
