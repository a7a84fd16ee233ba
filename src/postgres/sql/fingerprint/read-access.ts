import type { Session } from '../session.ts';
import { hexOf, nameFromHex } from './bytes-of.ts';

/** What a role may look at of what a fingerprint is made of. */
export interface FingerprintAccess {
  readonly role: string;
  /** Databases it may not connect to; templates are never looked into. */
  readonly closed: readonly string[];
  /** Whether it may read, and so count, the tables of everybody. */
  readonly readsTables: boolean;
}

/** Throws as `Session.rows`. What pg_hba.conf forbids besides, nobody can ask for. */
export async function readFingerprintAccess(session: Session): Promise<FingerprintAccess> {
  const role = {
    text: `SELECT current_user AS role, pg_has_role('pg_read_all_data', 'USAGE') AS reads`,
    what: "reading the role's rights",
  };
  const databases = {
    text: `SELECT ${hexOf('datname')} AS name FROM pg_database
      WHERE NOT datistemplate AND NOT has_database_privilege(oid, 'CONNECT') ORDER BY datname`,
    what: 'listing the databases',
  };
  const closed = await session.rows(databases, (row) => nameFromHex(row.text('name')));
  return session.row(role, (row) => ({
    role: row.text('role'),
    closed,
    readsTables: row.boolean('reads'),
  }));
}
