import type { SeededRandom } from '../seeded-random.ts';
import type { Holding, Ledger } from './ledger.ts';

/** One step of the storm in one database. */
export interface Batch {
  /** For the history, and for messages. */
  readonly what: string;
  /** Together one transaction, with the ledger and the history. */
  readonly statements: readonly string[];
  /** Names of the ledger whose contents may be others afterwards, or that are gone. */
  readonly touched: readonly string[];
  /** Then, each by itself: what cannot stand in that transaction. It changes files, and nothing that can be read. */
  readonly afterwards?: readonly string[];
}

/** What a batch is drawn from. */
export interface Draw {
  readonly random: SeededRandom;
  /** The batch's number: goes into what is written, so that no two batches write the same. */
  readonly number: number;
  readonly ledger: Ledger;
  /** Tablespaces that tables may be moved to. */
  readonly spaces: readonly string[];
  readonly duringBackup: boolean;
}

/** Draws a batch that concerns one table. */
export type TableOperation = (table: Holding, draw: Draw) => Batch;
