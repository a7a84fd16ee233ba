import { toLarderError } from '../../../errors.ts';
import type { Session } from '../session.ts';
import { hexOf, nameFromHex } from './bytes-of.ts';

/** What a role may look at of what a fingerprint is made of. */
export interface FingerprintAccess {
  readonly role: string;
  /** Databases it cannot connect to, and why; templates are never looked into. */
  readonly closed: readonly { readonly database: string; readonly why: string; readonly granted: boolean }[];
  /** Whether it may read, and so count, the tables of everybody. */
  readonly readsTables: boolean;
}

/** Logging in to more than these says nothing new. */
const MOST_TRIED = 50;

/**
 * Asks for the role's rights, and logs in to every database: what pg_hba.conf forbids nobody can ask for.
 * @throws as `Session.rows`
 */
export async function readFingerprintAccess(
  session: Session,
  openDatabase: (database: string) => Promise<Session>,
): Promise<FingerprintAccess> {
  const text = `SELECT current_user AS role, pg_has_role('pg_read_all_data', 'USAGE') AS reads`;
  const role = await session.row({ text, what: "reading the role's rights" }, (row) => ({
    role: row.text('role'),
    readsTables: row.boolean('reads'),
  }));
  const closed: FingerprintAccess['closed'][number][] = [];
  for (const { database, granted } of (await listOpen(session)).slice(0, MOST_TRIED)) {
    const why = await whyClosed(database, openDatabase);
    if (why !== undefined) closed.push({ database, granted, why });
  }
  return { ...role, closed };
}

function listOpen(
  session: Session,
): Promise<readonly { readonly database: string; readonly granted: boolean }[]> {
  const text = `SELECT ${hexOf('datname')} AS name, has_database_privilege(oid, 'CONNECT') AS granted
    FROM pg_database WHERE NOT datistemplate ORDER BY datname`;
  return session.rows({ text, what: 'listing the databases' }, (row) => ({
    database: nameFromHex(row.text('name')),
    granted: row.boolean('granted'),
  }));
}

async function whyClosed(
  database: string,
  openDatabase: (database: string) => Promise<Session>,
): Promise<string | undefined> {
  try {
    const session = await openDatabase(database);
    await session.close();
    return undefined;
  } catch (error) {
    return toLarderError(error).message;
  }
}
