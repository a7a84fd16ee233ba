import type { SeededRandom } from '../seeded-random.ts';
import { type ClusterHolding, noteHolding } from './cluster-holdings.ts';
import { DatabaseHand } from './database-hand.ts';
import { drawBatch } from './draw-batch.ts';
import { Journal } from './journal.ts';
import type { Ledger } from './ledger.ts';
import { Spaces } from './spaces.ts';

const MOST_DATABASES = 2;
const MOST_TABLESPACES = 2;
const SHARED_CATALOGS = ['pg_database', 'pg_tablespace', 'pg_shdepend', 'pg_authid'];

export interface ClusterHandOptions {
  readonly connection: string;
  /** Its own, of the database `postgres`. */
  readonly journal: Journal;
  readonly random: SeededRandom;
  readonly spaces: Spaces;
  /** What a database holds that is made from the template. */
  readonly template: Ledger;
  /** Tablespaces that stay, which databases may be put into. */
  readonly lasting: readonly string[];
  /** Is told of every database before it is made. */
  readonly onDatabase: (journal: Journal) => void;
}

interface PassingDatabase {
  readonly journal: Journal;
  tablespace: string;
  hand: DatabaseHand | undefined;
}

/** Makes and drops databases and tablespaces, and changes the databases it made while they last. */
export class ClusterHand {
  readonly #options: ClusterHandOptions;
  readonly #own: DatabaseHand;
  readonly #databases = new Map<string, PassingDatabase>();
  readonly #tablespaces = new Set<string>();
  #made = 0;

  private constructor(options: ClusterHandOptions, own: DatabaseHand) {
    this.#options = options;
    this.#own = own;
  }

  static async open(options: ClusterHandOptions): Promise<ClusterHand> {
    return new ClusterHand(options, await DatabaseHand.open(options.connection, options.journal));
  }

  /**
   * One thing, drawn. No database is moved to another tablespace while a backup is taken: PostgreSQL replays the move as a copy
   * of the old directory, which is gone before the backup comes to it, and the copy ends without the database
   * (recovery_create_dbdir in dbase_redo). pg_basebackup of 15.18 loses it in the same way.
   */
  async step(duringBackup: boolean): Promise<void> {
    const { random } = this.#options;
    const drawn = random.below(100);
    if (drawn < 14) return this.#databases.size < MOST_DATABASES ? this.#create() : this.#drop();
    if (drawn < 20 && !duringBackup && this.#databases.size > 0) return this.#move();
    if (drawn < 30) return this.#changeTablespaces();
    if (drawn < 34) return this.#rewriteSharedCatalog();
    return this.#changeDatabase(duringBackup);
  }

  async close(): Promise<void> {
    await this.#own.close();
    for (const { hand } of this.#databases.values()) await hand?.close();
  }

  async #create(): Promise<void> {
    const { random, template, onDatabase, lasting } = this.#options;
    const name = `passing_${(this.#made += 1)}`;
    const tablespace = random.pick(['pg_default', 'pg_default', ...lasting, ...this.#tablespaces]);
    const strategy = random.pick(['wal_log', 'file_copy']);
    const journal = new Journal(name, template);
    onDatabase(journal);
    this.#databases.set(name, { journal, tablespace, hand: undefined });
    await this.#note({ kind: 'database', name, state: 'coming', tablespace }, [
      `CREATE DATABASE ${name} TEMPLATE template1 STRATEGY ${strategy} TABLESPACE ${tablespace}`,
    ]);
    await this.#note({ kind: 'database', name, state: 'present', tablespace });
  }

  async #drop(): Promise<void> {
    const [name, database] = this.#options.random.pick([...this.#databases]);
    await this.#release(database);
    const { tablespace } = database;
    await this.#note({ kind: 'database', name, state: 'leaving', tablespace }, [`DROP DATABASE ${name}`]);
    this.#databases.delete(name);
    await this.#forget('database', name);
  }

  /** There and back, now and then: files of the same names come again with other contents. */
  async #move(): Promise<void> {
    const { random, lasting } = this.#options;
    const [name, database] = random.pick([...this.#databases]);
    const places = ['pg_default', ...lasting, ...this.#tablespaces];
    const tablespace = random.pick(places.filter((place) => place !== database.tablespace));
    await this.#release(database);
    await this.#note({ kind: 'database', name, state: 'moving', tablespace }, [
      `ALTER DATABASE ${name} SET TABLESPACE ${tablespace}`,
    ]);
    database.tablespace = tablespace;
    await this.#note({ kind: 'database', name, state: 'present', tablespace });
  }

  async #changeTablespaces(): Promise<void> {
    const { random } = this.#options;
    const used = [...this.#databases.values()].map(({ tablespace }) => tablespace);
    const empty = [...this.#tablespaces].filter((name) => !used.includes(name));
    if (empty.length > 0 && random.chance(50)) return this.#dropTablespace(random.pick(empty));
    if (this.#tablespaces.size < MOST_TABLESPACES) return this.#createTablespace();
  }

  async #createTablespace(): Promise<void> {
    const name = `passing_space_${(this.#made += 1)}`;
    await this.#options.spaces.add(name);
    await this.#note({ kind: 'tablespace', name, state: 'coming', tablespace: '' }, [
      `CREATE TABLESPACE ${name} LOCATION '${Spaces.location(name)}'`,
    ]);
    this.#tablespaces.add(name);
    await this.#note({ kind: 'tablespace', name, state: 'present', tablespace: '' });
  }

  async #dropTablespace(name: string): Promise<void> {
    this.#tablespaces.delete(name);
    await this.#note({ kind: 'tablespace', name, state: 'leaving', tablespace: '' }, [
      `DROP TABLESPACE ${name}`,
    ]);
    await this.#forget('tablespace', name);
  }

  #rewriteSharedCatalog(): Promise<void> {
    const { random } = this.#options;
    const catalog = random.pick(SHARED_CATALOGS);
    const statement = random.pick([`VACUUM FULL ${catalog}`, `REINDEX TABLE ${catalog}`]);
    return this.#own.carryOut(() => ({
      what: statement,
      statements: [],
      touched: [],
      afterwards: [statement],
    }));
  }

  async #changeDatabase(duringBackup: boolean): Promise<void> {
    const { random, connection } = this.#options;
    if (this.#databases.size === 0) return;
    const database = random.pick([...this.#databases.values()]);
    database.hand ??= await DatabaseHand.open(connection, database.journal);
    await database.hand.carryOut((number, ledger) =>
      drawBatch({ random, number, ledger, spaces: [], duringBackup }),
    );
  }

  #note(holding: ClusterHolding, afterwards: readonly string[] = []): Promise<void> {
    const { kind, name, state } = holding;
    return this.#own.carryOut(() => ({
      what: `${kind} ${name} ${state}`,
      statements: [noteHolding(holding)],
      touched: ['holdings'],
      afterwards,
    }));
  }

  #forget(kind: ClusterHolding['kind'], name: string): Promise<void> {
    return this.#own.carryOut(() => ({
      what: `${kind} ${name} gone`,
      statements: [`DELETE FROM holdings WHERE kind = '${kind}' AND name = '${name}'`],
      touched: ['holdings'],
    }));
  }

  /** A database can be dropped, moved or copied while nobody is connected. */
  async #release(database: PassingDatabase): Promise<void> {
    await database.hand?.close();
    database.hand = undefined;
  }
}
