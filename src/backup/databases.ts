import { openClient } from '../postgres/connect.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';

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
 * The databases of the cluster, for the commit record. A description, not a part of the backup: a server that allows this
 * role replication and nothing else gives `null`, and the backup goes on.
 */
export async function readDatabases(
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<readonly DatabaseSize[] | null> {
  try {
    const client = await openClient(settings, { signal });
    const drop = (): void => void client.connection.stream.destroy();
    signal.addEventListener('abort', drop, { once: true });
    try {
      const { rows } = await client.query<{ name: string; bytes: string | null }>(QUERY);
      return rows.map(({ name, bytes }) => ({ name, bytes: bytes === null ? null : Number(bytes) }));
    } finally {
      await client.end();
      signal.removeEventListener('abort', drop);
    }
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
