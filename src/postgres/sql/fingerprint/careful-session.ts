import type { Session } from '../session.ts';

/** A table that somebody alters is left alone sooner than waited for: who waits keeps others waiting behind. Milliseconds. */
const LOCK_LIMIT_MS = 50;

/**
 * Makes a session one that looks and disturbs nobody: it writes nothing, waits for no lock, and ends after a time. Nothing of
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
    lock_timeout: String(LOCK_LIMIT_MS),
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
