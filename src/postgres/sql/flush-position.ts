import { parseLsn, type Lsn } from '../lsn.ts';
import type { Session } from './session.ts';

/**
 * How far the server's log is durable, and the server's clock before it looked: whatever was committed before that time
 * lies before that position. `undefined` on a standby, which commits nothing.
 */
export async function readFlushPosition(
  session: Session,
): Promise<{ readonly timeline: number; readonly lsn: Lsn; readonly time: number } | undefined> {
  // the clock is read in a subquery of its own, which OFFSET 0 keeps from being folded into the outer one
  const text = `SELECT t.time, CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END AS lsn,
      CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_flush_lsn()) END AS file
    FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS time OFFSET 0) t`;
  return session.row({ text, what: "reading the server's position" }, (row) => {
    const lsn = parseLsn(row.optionalText('lsn') ?? '');
    // the first eight digits of a segment's name are its timeline
    const timeline = Number.parseInt((row.optionalText('file') ?? '').slice(0, 8), 16);
    return lsn === undefined ? undefined : { timeline, lsn, time: row.integer('time') };
  });
}
