import type { ClusterFingerprint } from '../../../src/demo/compare-clusters.ts';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';

/** Databases one can look into; what a broken-off DROP DATABASE left cannot be connected to. */
const DATABASES = `SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2 ORDER BY datname`;

/** Unlogged tables come back empty. */
const EVERYTHING = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name, content.rows, content.hash
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       CROSS JOIN LATERAL storm.content_of(c.oid, 'true') AS content
  WHERE c.relkind IN ('r', 'm', 'S') AND c.relpersistence = 'p'`;

export async function readDatabaseNames(connection: string): Promise<string[]> {
  await using session = await openInstanceSession(connection);
  return (await session.query(DATABASES)).map(({ datname }) => String(datname));
}

/** The contents of every table and sequence of every database, system catalogs too. Nothing may write meanwhile. */
export async function readContents(connection: string): Promise<ClusterFingerprint> {
  const found: [string, { rows: number; hash: string }][] = [];
  for (const database of await readDatabaseNames(connection)) {
    await using session = await openInstanceSession(connection, database);
    for (const { name, rows, hash } of await session.query(EVERYTHING)) {
      found.push([`${database}: ${String(name)}`, { rows: Number(rows), hash: String(hash) }]);
    }
  }
  return Object.fromEntries(found);
}
