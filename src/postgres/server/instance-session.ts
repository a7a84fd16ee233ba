import pg from 'pg';
import { Session } from '../sql/session.ts';

/** Milliseconds. */
const CONNECT_TIMEOUT = 10_000;

/** SQL on a server that Larder started itself; the servers it protects are reached through `openClient`. */
export interface InstanceSession {
  /** The rows of one statement; of the last one when the text holds several and no values are given. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Connects to a `postgresql://` URL, to `database` instead of the URL's own when given. Throws what `pg` throws: the
 * caller knows what it was trying.
 */
export async function openInstanceSession(
  connection: string,
  database?: string,
  connectTimeout = CONNECT_TIMEOUT,
): Promise<InstanceSession> {
  const client = await connect(connection, database, connectTimeout);
  const close = async (): Promise<void> => client.end().catch(() => undefined);
  return {
    query: async (text, values) =>
      rowsOf(await client.query(text, values === undefined ? undefined : [...values])),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The same for readers whose values are text. Throws what `pg` throws. */
export async function openInstanceReader(connection: string, database: string): Promise<Session> {
  return new Session(await connect(connection, database, CONNECT_TIMEOUT));
}

async function connect(
  connection: string,
  database: string | undefined,
  connectTimeout: number,
): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: database === undefined ? connection : withDatabase(connection, database),
    connectionTimeoutMillis: connectTimeout,
    application_name: 'larder',
  });
  // a server that goes away fails the query in progress; without a listener it would end the whole process
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** The same URL with settings that every session of it begins with; they outrank those of roles and databases. */
export function withSettings(connection: string, settings: Readonly<Record<string, string>>): string {
  const options = Object.entries(settings)
    // a blank ends an option unless it stands behind a backslash (pg_split_opts)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, (character) => `\\${character}`)}`)
    .join(' ');
  return `${connection}&options=${encodeURIComponent(options)}`;
}

/** The same URL for another role. */
export function withUser(connection: string, user: string): string {
  return connection.replace(/^(postgres(?:ql)?:\/\/)[^@/]*@/, (_, scheme: string) => {
    return `${scheme}${encodeURIComponent(user)}@`;
  });
}

/** The same URL for another database of the server. */
export function withDatabase(connection: string, database: string): string {
  return connection.replace(/^(postgres(?:ql)?:\/\/[^/?]*)(?:\/[^?]*)?/, (_, server: string) => {
    return `${server}/${encodeURIComponent(database)}`;
  });
}

/** A text of several statements answers with an array, though the type says otherwise. */
function rowsOf(result: pg.QueryResult | pg.QueryResult[]): Record<string, unknown>[] {
  const last = Array.isArray(result) ? result.at(-1) : result;
  return (last?.rows ?? []) as Record<string, unknown>[];
}
