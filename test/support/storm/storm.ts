import { allOf } from '../all-of.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { TestServerOptions } from '../postgres-server.ts';
import type { Batch } from './batch.ts';
import { ClusterHand } from './cluster-hand.ts';
import { readContents } from './contents.ts';
import { DatabaseHand } from './database-hand.ts';
import { drawBatch } from './draw-batch.ts';
import type { Expectation, Mark } from './expectation.ts';
import { Journal } from './journal.ts';
import type { Ledger } from './ledger.ts';
import { LASTING_DATABASES, LASTING_SPACES, startStormServer, type StormServer } from './storm-server.ts';

/** One who changes things, a step at a time. */
interface Hand {
  step(duringBackup: boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * A server whose databases are changed in every way that an incremental backup can miss, by one hand for each database and
 * one for databases and tablespaces, all at once. The seed repeats what each hand does; how their steps meet each other and
 * a backup, it does not.
 */
export class Storm implements AsyncDisposable {
  readonly random: SeededRandom;
  readonly #on: StormServer;
  readonly #journals: Map<string, Journal>;
  /** Of the databases that last. */
  readonly #tableHands = new Map<string, DatabaseHand>();
  #hands: readonly Hand[] = [];

  private constructor(on: StormServer, seed: number) {
    this.#on = on;
    this.random = new SeededRandom(seed);
    const journals = [
      new Journal('postgres', on.postgres),
      ...['template1', ...LASTING_DATABASES].map((database) => new Journal(database, on.template)),
    ];
    this.#journals = new Map(journals.map((journal) => [journal.database, journal]));
  }

  static async start(options: Omit<TestServerOptions, 'settings'>, seed: number): Promise<Storm> {
    const storm = new Storm(await startStormServer(options), seed);
    try {
      await storm.#openHands();
      return storm;
    } catch (error) {
      await storm[Symbol.asyncDispose]();
      throw error;
    }
  }

  get connection(): string {
    return this.#on.server.connection;
  }

  /** Of every tablespace that was ever made here. */
  get spaceNames(): readonly string[] {
    return this.#on.spaces.names;
  }

  /** A batch that is not drawn, in one of the databases that last. */
  carryOut(database: string, decide: (number: number, ledger: Ledger) => Batch): Promise<void> {
    return this.#tableHands.get(database)!.carryOut(decide);
  }

  /** Every hand does so many steps. */
  async rage(steps: number): Promise<void> {
    await allOf(
      this.#hands.map(async (hand) => {
        for (let i = 0; i < steps; i++) await hand.step(false);
      }),
    );
  }

  /** Does the work while every hand is busy; says what a backup that is taken meanwhile must hold. */
  async during<T>(work: () => Promise<T>): Promise<{ value: T; expectation: Expectation }> {
    let isOver = false;
    const started = this.#hands.map(() => Promise.withResolvers<undefined>());
    const hands = this.#hands.map(async (hand, i) => {
      while (!isOver) {
        await hand.step(true);
        started[i]!.resolve(undefined);
      }
    });
    const working = (async () => {
      try {
        await Promise.race([Promise.all(started.map(({ promise }) => promise)), allOf(hands)]);
        const before = this.#mark();
        const value = await work();
        return { value, expectation: { before, after: this.#mark(), journals: this.#journals } };
      } finally {
        isOver = true;
      }
    })();
    const [done] = await allOf<{ value: T; expectation: Expectation } | undefined>([
      working,
      ...hands.map(async (hand) => {
        await hand;
        return undefined;
      }),
    ]);
    return done!;
  }

  /** Does the work while nothing changes: a backup that is taken meanwhile must hold exactly what there is. */
  async calm<T>(work: () => Promise<T>): Promise<{ value: T; expectation: Expectation }> {
    const mark = this.#mark();
    const contents = await readContents(this.connection);
    const value = await work();
    return { value, expectation: { before: mark, after: mark, journals: this.#journals, contents } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const hand of this.#hands) await hand.close();
    await this.#on.server.stop();
  }

  #mark(): Mark {
    return new Map([...this.#journals].map(([database, journal]) => [database, journal.mark]));
  }

  async #openHands(): Promise<void> {
    const hands: Hand[] = [];
    this.#hands = hands;
    for (const database of LASTING_DATABASES) hands.push(await this.#tableHand(database));
    hands.push(
      await ClusterHand.open({
        connection: this.connection,
        journal: this.#journals.get('postgres')!,
        random: this.random.fork(),
        spaces: this.#on.spaces,
        template: this.#on.template,
        lasting: LASTING_SPACES,
        onDatabase: (journal) => this.#journals.set(journal.database, journal),
      }),
    );
  }

  async #tableHand(database: string): Promise<Hand> {
    const random = this.random.fork();
    const hand = await DatabaseHand.open(this.connection, this.#journals.get(database)!);
    this.#tableHands.set(database, hand);
    return {
      step: (duringBackup) =>
        hand.carryOut((number, ledger) =>
          drawBatch({ random, number, ledger, spaces: LASTING_SPACES, duringBackup }),
        ),
      close: () => hand.close(),
    };
  }
}
