import type { Ledger } from './ledger.ts';

/** How far a journal was at a moment. */
export interface JournalMark {
  /** The last batch that was sent. */
  readonly begun: number;
  /** The last one whose commit was acknowledged. */
  readonly committed: number;
}

/**
 * What was done to one database, batch by batch, and what it had to hold after each: kept here, apart from the database,
 * so that a copy cannot be wrong together with its own ledger. Batch 0 is what the database began with.
 */
export class Journal {
  readonly database: string;
  readonly #ledgers: Ledger[];
  #begun = 0;

  constructor(database: string, initial: Ledger) {
    this.database = database;
    this.#ledgers = [initial];
  }

  /** What the database holds now. */
  get latest(): Ledger {
    return this.#ledgers.at(-1)!;
  }

  get mark(): JournalMark {
    return { begun: this.#begun, committed: this.#ledgers.length - 1 };
  }

  /** The number of the batch that is sent next. */
  begin(): number {
    return (this.#begun += 1);
  }

  /** The batch that was begun is committed: what it touched now holds this, or is gone. */
  commit(touched: readonly string[], holdings: Ledger): void {
    const ledger = new Map(this.latest);
    for (const name of touched) ledger.delete(name);
    for (const [name, holding] of holdings) ledger.set(name, holding);
    this.#ledgers.push(ledger);
  }

  /** What the database held after a batch; `undefined` for one that was not committed. */
  at(batch: number): Ledger | undefined {
    return this.#ledgers[batch];
  }
}
