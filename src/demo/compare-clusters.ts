import type { InstanceSession } from '../postgres/server/instance-session.ts';
import { openInstanceSession } from '../postgres/server/instance-session.ts';

/** How much one table, sequence or set of large objects holds, and a hash of it that no order of rows changes. */
export interface ContentFingerprint {
  readonly rows: number;
  readonly hash: string;
}

/** By name: `roles`, `<database>: table <schema>.<name>`, `<database>: sequence …`, `<database>: large objects`. */
export type ClusterFingerprint = Readonly<Record<string, ContentFingerprint>>;

export interface FingerprintOptions {
  /** Unlogged tables are empty after every restore, as after a crash: leave them out when comparing with one. */
  readonly unlogged: boolean;
}

/**
 * Reads everything a superuser can see in every database that takes connections. Nothing may write meanwhile. Throws what
 * the server says.
 */
export async function fingerprintCluster(
  connection: string,
  options: FingerprintOptions,
): Promise<ClusterFingerprint> {
  const found: Record<string, ContentFingerprint> = {};
  await using session = await openInstanceSession(connection);
  found['roles'] = await fingerprint(session, ROLES);
  const databases = await session.query(
    'SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname',
  );
  for (const { datname } of databases) {
    const database = String(datname);
    for (const [name, content] of await fingerprintDatabase(connection, database, options)) {
      found[`${database}: ${name}`] = content;
    }
  }
  return found;
}

/** What differs, one sentence each; empty when the clusters hold the same. */
export function differences(original: ClusterFingerprint, copy: ClusterFingerprint): string[] {
  const names = [...new Set([...Object.keys(original), ...Object.keys(copy)])].sort();
  return names.flatMap((name) => {
    const [before, after] = [original[name], copy[name]];
    if (before === undefined) return [`${name} is only in the copy`];
    if (after === undefined) return [`${name} is missing in the copy`];
    if (before.rows !== after.rows) {
      return [`${name} has ${String(after.rows)} rows in the copy instead of ${String(before.rows)}`];
    }
    return before.hash === after.hash ? [] : [`${name} has other contents in the copy`];
  });
}

async function fingerprintDatabase(
  connection: string,
  database: string,
  options: FingerprintOptions,
): Promise<[string, ContentFingerprint][]> {
  await using session = await openInstanceSession(connection, database);
  await session.query(TEXT_FORM);
  const found: [string, ContentFingerprint][] = [];
  for (const row of await session.query(RELATIONS, [options.unlogged])) {
    const name = String(row['name']);
    const content = row['kind'] === 'sequence' ? sequenceContent(name) : tableContent(name);
    found.push([`${String(row['kind'])} ${name}`, await fingerprint(session, content)]);
  }
  found.push(['large objects', await fingerprint(session, LARGE_OBJECTS)]);
  return found;
}

async function fingerprint(session: InstanceSession, content: string): Promise<ContentFingerprint> {
  const [row] = await session.query(
    `SELECT count(*) AS rows, coalesce(sum(hashtextextended(content, 0)), 0)::text AS hash FROM (${content}) AS c (content)`,
  );
  return { rows: Number(row?.['rows']), hash: String(row?.['hash']) };
}

/** Settings that change how a value is written as text. */
const TEXT_FORM = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex';
  SET extra_float_digits = 3; SET search_path = ''; SET row_security = off`;

/** A partitioned table holds nothing beside its partitions, which are listed themselves. */
const RELATIONS = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name,
         CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'S') AND c.relispopulated
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%temp\\_%'
    AND (c.relpersistence = 'p' OR (c.relpersistence = 'u' AND $1))
  ORDER BY n.nspname, c.relname`;

const ROLES = `SELECT rolname || ':' || rolsuper || rolcanlogin || rolreplication || coalesce(rolpassword, '')
  FROM pg_catalog.pg_authid`;

const LARGE_OBJECTS = `SELECT loid || ':' || pageno || ':' || encode(data, 'hex') FROM pg_catalog.pg_largeobject`;

function tableContent(name: string): string {
  return `SELECT larder_row::text FROM ONLY ${name} AS larder_row`;
}

/** `log_cnt` is left out: it counts what was written ahead to the WAL, not what was handed out. */
function sequenceContent(name: string): string {
  return `SELECT last_value || ':' || is_called FROM ${name}`;
}
