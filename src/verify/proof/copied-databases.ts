import type { CopySession } from './copy-session.ts';

/** A database of the copy. */
export interface CopiedDatabase {
  readonly name: string;
  /** Whether its default collation was made with another version of libc or ICU than this host has. */
  readonly otherCollation: boolean;
}

/** The databases to look at, and those that cannot be connected to, half dropped. */
export interface CopiedDatabases {
  readonly databases: readonly CopiedDatabase[];
  readonly invalid: readonly string[];
}

const SETTINGS_OF_ROLES = 'DELETE FROM pg_catalog.pg_db_role_setting';

/** `datconnlimit` of -2 marks a DROP DATABASE that was broken off (15.4 and later). */
const DATABASES = `
  SELECT datname::text AS name, datconnlimit = -2 AS invalid,
         coalesce(datcollversion <> pg_catalog.pg_database_collation_actual_version(oid), false) AS other
  FROM pg_catalog.pg_database ORDER BY datname`;

/**
 * Makes every database of the copy one that can be looked at: without the settings that roles and databases carry, and
 * open to connections, `template0` too. This writes to the copy.
 */
export async function openAllDatabases(session: CopySession): Promise<CopiedDatabases> {
  await session.query('SET allow_system_table_mods = on');
  await session.query(SETTINGS_OF_ROLES);
  await session.query(
    'UPDATE pg_catalog.pg_database SET datallowconn = true WHERE NOT datallowconn AND datconnlimit <> -2',
  );
  const rows = await session.query(DATABASES);
  const invalid = rows.filter((row) => row['invalid'] === true);
  return {
    invalid: invalid.map(({ name }) => String(name)),
    databases: rows
      .filter((row) => !invalid.includes(row))
      .map(({ name, other }) => ({ name: String(name), otherCollation: other === true })),
  };
}

/**
 * Switches the event triggers of a database off: up to 16 no setting does. ALTER EVENT TRIGGER itself fires none, and so
 * nothing of the source runs. This writes to the copy.
 */
export async function disableEventTriggers(session: CopySession): Promise<void> {
  const triggers = await session.query(
    `SELECT format('ALTER EVENT TRIGGER %I DISABLE', evtname) AS statement
     FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'`,
  );
  for (const { statement } of triggers) await session.query(String(statement));
}
