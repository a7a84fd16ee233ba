import type { Session } from '../session.ts';

/** How long to wait for a catalogue that somebody rewrites (VACUUM FULL), and for a table that somebody alters; milliseconds. */
const LOCK_LIMITS_MS = { catalogue: 3000, table: 50 } as const;

/**
 * Makes a session one that looks and disturbs nobody: it writes nothing, waits for no lock for long, and ends after a time. Nothing of
 * the database's own stands before the system's functions and operators; row security ends a count instead of falsifying it.
 * @param limit milliseconds that one statement may take
 * @throws as `Session.rows`
 */
export async function makeCareful(session: Session, limit: number): Promise<void> {
  const settings = {
    search_path: '',
    client_encoding: 'SQL_ASCII',
    default_transaction_read_only: 'on',
    row_security: 'off',
    lock_timeout: String(LOCK_LIMITS_MS.catalogue),
    statement_timeout: String(Math.max(1, Math.ceil(limit))),
    max_parallel_workers_per_gather: '0',
    // compiling costs more than what is asked here
    jit: 'off',
  };
  // named in full: whoever owns the database may have put something else before the system's functions
  const calls = Object.entries(settings).map(
    ([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`,
  );
  await session.rows({ text: `SELECT ${calls.join(', ')}`, what: 'preparing a session' }, () => undefined);
}

/** From now on tables are locked, not catalogues. Throws as `Session.rows`. */
export async function leaveLockedTables(session: Session): Promise<void> {
  const text = `SELECT set_config('lock_timeout', '${LOCK_LIMITS_MS.table}', false)`;
  await session.rows({ text, what: 'preparing a session' }, () => undefined);
}
