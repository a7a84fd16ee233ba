import type pg from 'pg';
import { LarderError } from '../../errors.ts';
import { openClient } from '../connect.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { serverError, sqlState } from '../server-error.ts';
import { Row } from './row.ts';

/** SQLSTATEs of what this role may not see, or this version does not have. */
const NOT_KNOWABLE = ['42501', '42883', '42703', '42704', '42P01'];

/** How long the server may take to say goodbye. */
const CLOSE_LIMIT_MS = 2_000;

export interface Query {
  readonly text: string;
  readonly values?: readonly string[];
  /** What is being done, as a gerund, for messages: "reading the settings". */
  readonly what: string;
}

/** Short queries on an ordinary connection, one at a time. Every value arrives as text; `Row` reads it. */
export class Session {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Logs in; throws as `openClient`. */
  static async open(settings: ConnectionSettings, signal?: AbortSignal): Promise<Session> {
    return new Session(await openClient(settings, signal === undefined ? {} : { signal }));
  }

  /** Throws as `serverError`. */
  async rows<T>(query: Query, read: (row: Row) => T): Promise<readonly T[]> {
    try {
      const { rows } = await this.#client.query<Record<string, string | null>>({
        text: query.text,
        values: [...(query.values ?? [])],
        types: TEXT_ONLY,
      });
      return rows.map((row) => read(new Row(row)));
    } catch (error) {
      throw serverError(error, query.what);
    }
  }

  /** The first row. Throws as `rows`, and PROTOCOL_VIOLATION when there is none. */
  async row<T>(query: Query, read: (row: Row) => T): Promise<T> {
    const [first] = await this.rows(query, (row) => ({ value: read(row) }));
    if (first !== undefined) return first.value;
    throw new LarderError('PROTOCOL_VIOLATION', `${query.what} failed: the server sent no row`);
  }

  /** What `ask` finds, or `undefined` when this role or this version cannot tell: unknown is not absent. */
  async ifKnowable<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (NOT_KNOWABLE.includes(sqlState(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** Says goodbye; a server that does not answer is hung up on. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.drop(), CLOSE_LIMIT_MS);
    await this.#client.end().finally(() => clearTimeout(timer));
  }

  /** Breaks the connection at once: what it was asked fails with CONNECTION_LOST. */
  drop(): void {
    this.#client.connection.stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Keeps `pg` from guessing: its dates lose microseconds, its bigints and numerics differ by version of the server. */
const TEXT_ONLY: pg.CustomTypesConfig = {
  getTypeParser: () => (text: string) => text,
};
