import type { Session } from '../postgres/sql/session.ts';

export interface DatabaseSize {
  readonly name: string;
  /** `null` where the role may not ask for it. */
  readonly bytes: number | null;
}

const QUERY = `
  SELECT datname AS name,
         CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
              THEN pg_database_size(oid) END::text AS bytes
  FROM pg_database WHERE NOT datistemplate ORDER BY datname`;

/**
 * The databases of the cluster, for the commit record. A description, not a part of the backup: where the server does not
 * tell, it is `null`, and the backup goes on.
 */
export async function readDatabases(
  sql: Session | undefined,
  signal: AbortSignal,
): Promise<readonly DatabaseSize[] | null> {
  if (sql === undefined) return null;
  try {
    return await sql.rows({ text: QUERY, what: 'listing the databases' }, (row) => ({
      name: row.text('name'),
      bytes: row.optionalInteger('bytes') ?? null,
    }));
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
