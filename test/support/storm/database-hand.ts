import { openInstanceSession, type InstanceSession } from '../../../src/postgres/server/instance-session.ts';
import type { Batch } from './batch.ts';
import type { Journal } from './journal.ts';
import { type Ledger, toLedger } from './ledger.ts';

/** Carries batches out in one database, one after the other; nobody else writes there. */
export class DatabaseHand {
  readonly journal: Journal;
  readonly #session: InstanceSession;

  private constructor(session: InstanceSession, journal: Journal) {
    this.#session = session;
    this.journal = journal;
  }

  static async open(connection: string, journal: Journal): Promise<DatabaseHand> {
    return new DatabaseHand(await openInstanceSession(connection, journal.database), journal);
  }

  /** `decide` is given the batch's number and what the database holds. Throws what the server says, and of which batch. */
  async carryOut(decide: (number: number, ledger: Ledger) => Batch): Promise<void> {
    const { journal } = this;
    const ledger = journal.latest;
    const number = journal.begin();
    for (;;) {
      const batch = decide(number, ledger);
      try {
        const recorded = await this.#session.query(transactionOf(number, batch));
        await this.#session.query('COMMIT');
        journal.commit(batch.touched, toLedger(recorded));
        await this.#doAfterwards(batch);
        return;
      } catch (error) {
        await this.#session.query('ROLLBACK').catch(() => undefined);
        if (isKnownFault(error)) continue;
        throw new Error(`${journal.database}, batch ${number} (${batch.what}): ${String(error)}`, {
          cause: error,
        });
      }
    }
  }

  async #doAfterwards({ afterwards = [] }: Batch): Promise<void> {
    for (const statement of afterwards) {
      await this.#session.query(statement).catch((error: unknown) => {
        if (!isKnownFault(error)) throw error;
      });
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/**
 * A fault of the source, with backups or without: vacuum may take the out-of-line values of rows that died a moment ago and
 * leave the rows, which building an index or rewriting the table then looks at (seen on 15 and 18). What was to be done is
 * rolled back, and something else is drawn.
 */
function isKnownFault(error: unknown): boolean {
  return /(missing|unexpected) chunk number .* for toast value/.test(String(error));
}

/** Without its COMMIT; the rows of the last statement are what the touched names now hold. */
function transactionOf(number: number, { what, statements, touched }: Batch): string {
  const names = touched.map((name) => `'${name}'`).join(', ');
  return [
    'BEGIN',
    `INSERT INTO storm.history VALUES (${number}, '${what.replaceAll("'", "''")}')`,
    ...statements,
    `SELECT * FROM storm.record(${number}, ARRAY[${names}]::text[])`,
  ].join(';\n');
}
