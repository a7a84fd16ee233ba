import { parseLsn, type Lsn } from '../../../src/postgres/lsn.ts';
import { openInstanceSession, type InstanceSession } from '../../../src/postgres/server/instance-session.ts';
import type { TestServer } from '../postgres-server.ts';
import { SeededRandom } from '../seeded-random.ts';

/** What a transaction did to one row: the value it has now, or that it is gone. */
export interface Change {
  readonly id: number;
  readonly value: number | undefined;
}

/** A transaction whose commit was acknowledged, as its session saw it. */
export interface CommittedTransaction {
  readonly xid: string;
  readonly changes: readonly Change[];
  /** Microseconds since 1970 UTC, of track_commit_timestamp. */
  readonly time: bigint;
  /** Where the log was inserted to when the session had been told. */
  readonly after: Lsn;
}

export interface WorkloadOptions {
  readonly sessions: number;
  /** Each session ends so many transactions, well or badly. */
  readonly transactions: number;
  /** Switches of segments in all: each makes a whole segment of however little there is. */
  readonly switches: number;
}

/** What must be set on the server. */
export const WORKLOAD_SETTINGS = {
  track_commit_timestamp: 'on',
  max_prepared_transactions: '10',
  fsync: 'off',
  wal_keep_size: '2GB',
};

/**
 * Sessions that change rows beside each other, with subtransactions, rollbacks and prepared transactions, and remember what
 * they committed and when. Each row belongs to the session that made it.
 */
export class RecordedWorkload {
  readonly committed: CommittedTransaction[] = [];
  readonly restorePoints: string[] = [];
  readonly #server: TestServer;
  readonly #random: SeededRandom;
  #nextId = 1;
  #switches = 0;

  constructor(server: TestServer, random: SeededRandom) {
    this.#server = server;
    this.#random = random;
  }

  async prepare(): Promise<void> {
    await this.#server.query('CREATE TABLE entries (id int PRIMARY KEY, value int, filler text)');
  }

  async run({ sessions, transactions, switches }: WorkloadOptions): Promise<void> {
    this.#switches += switches;
    const work = async (seed: number): Promise<void> => {
      await using session = await openInstanceSession(this.#server.connection);
      const worker = new Worker(this, session, new SeededRandom(seed));
      for (let ended = 0; ended < transactions; ended++) await worker.step();
    };
    await Promise.all(Array.from({ length: sessions }, async () => work(this.#random.below(2 ** 32))));
  }

  nextId(): number {
    return this.#nextId++;
  }

  /** Whether a segment may be switched once more. */
  takeSwitch(): boolean {
    return this.#switches-- > 0;
  }
}

/** One session. */
class Worker {
  readonly #workload: RecordedWorkload;
  readonly #session: InstanceSession;
  readonly #random: SeededRandom;
  /** Its committed rows. */
  #rows: number[] = [];
  #changes: Change[] = [];

  constructor(workload: RecordedWorkload, session: InstanceSession, random: SeededRandom) {
    this.#workload = workload;
    this.#session = session;
    this.#random = random;
  }

  async step(): Promise<void> {
    if (this.#random.once(12)) await this.#restorePoint();
    if (this.#random.once(30)) await this.#session.query('CHECKPOINT');
    if (this.#random.once(20) && this.#workload.takeSwitch())
      await this.#session.query('SELECT pg_switch_wal()');
    if (this.#random.once(8)) await this.#preparedTransaction();
    else await this.#transaction();
  }

  async #restorePoint(): Promise<void> {
    const name = `point ${this.#workload.nextId()}`;
    await this.#session.query(`SELECT pg_create_restore_point('${name}')`);
    this.#workload.restorePoints.push(name);
  }

  async #transaction(): Promise<void> {
    const xid = await this.#begin();
    await this.#change();
    if (this.#random.once(2)) await this.#subtransaction(2);
    if (this.#random.once(5)) {
      await this.#session.query('ROLLBACK');
      return;
    }
    await this.#session.query('COMMIT');
    await this.#remember(xid, this.#changes);
  }

  /** Another transaction of the same session ends before it, so it makes rows and changes none. */
  async #preparedTransaction(): Promise<void> {
    const xid = await this.#begin();
    await this.#insert();
    const changes = this.#changes;
    const name = `prepared ${this.#workload.nextId()}`;
    await this.#session.query(`PREPARE TRANSACTION '${name}'`);
    await this.#transaction();
    if (this.#random.once(3)) await this.#session.query(`ROLLBACK PREPARED '${name}'`);
    else {
      await this.#session.query(`COMMIT PREPARED '${name}'`);
      await this.#remember(xid, changes);
    }
  }

  async #begin(): Promise<string> {
    this.#changes = [];
    await this.#session.query('BEGIN');
    const [row] = await this.#session.query('SELECT pg_current_xact_id()::text AS xid');
    return String(row?.['xid']);
  }

  async #subtransaction(depth: number): Promise<void> {
    const before = [...this.#changes];
    await this.#session.query(`SAVEPOINT s${depth}`);
    await this.#change();
    if (depth > 1 && this.#random.once(2)) await this.#subtransaction(depth - 1);
    if (this.#random.once(2)) await this.#session.query(`RELEASE SAVEPOINT s${depth}`);
    else {
      await this.#session.query(`ROLLBACK TO SAVEPOINT s${depth}`);
      this.#changes = before;
    }
  }

  async #change(): Promise<void> {
    await this.#insert();
    const gone = new Set(this.#changes.filter(({ value }) => value === undefined).map(({ id }) => id));
    const rows = this.#rows.filter((id) => !gone.has(id));
    if (rows.length === 0) return;
    const id = this.#random.pick(rows);
    const value = this.#random.once(4) ? undefined : this.#random.below(1_000_000);
    if (value === undefined) await this.#session.query(`DELETE FROM entries WHERE id = ${id}`);
    else await this.#session.query(`UPDATE entries SET value = ${value} WHERE id = ${id}`);
    this.#changes.push({ id, value });
  }

  async #insert(): Promise<void> {
    const id = this.#workload.nextId();
    const value = this.#random.below(1_000_000);
    const filler = `(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, ${20 + this.#random.below(400)}))`;
    await this.#session.query(`INSERT INTO entries VALUES (${id}, ${value}, ${filler})`);
    this.#changes.push({ id, value });
  }

  async #remember(xid: string, changes: readonly Change[]): Promise<void> {
    for (const { id, value } of changes) {
      this.#rows = this.#rows.filter((row) => row !== id);
      if (value !== undefined) this.#rows.push(id);
    }
    const [row] = await this.#session.query(
      `SELECT (extract(epoch FROM pg_xact_commit_timestamp('${xid}'::xid)) * 1000000)::bigint::text AS time,
        pg_current_wal_insert_lsn()::text AS after`,
    );
    const after = parseLsn(String(row?.['after']));
    if (after === undefined) throw new Error('the server gave no position');
    this.#workload.committed.push({ xid, changes, time: BigInt(String(row?.['time'])), after });
  }
}
