import type { Lsn } from '../../../src/postgres/lsn.ts';
import type { TestServer } from '../postgres-server.ts';
import { lsnOf } from '../wal-receiver.ts';

/** A record that ends a transaction or a subtransaction. */
export interface EndRecord {
  readonly kind: 'commit' | 'abort';
  readonly xid: string;
  /** Microseconds since 1970 UTC. */
  readonly time: bigint;
  readonly start: Lsn;
  readonly end: Lsn;
}

/** What PostgreSQL itself (pg_walinspect) says lies in the log, in its order. */
export interface ServerAccount {
  readonly starts: readonly Lsn[];
  readonly ends: readonly EndRecord[];
  readonly points: readonly { readonly name: string; readonly end: Lsn }[];
}

/** Reads every record from a position on; WAL must still be there. */
export async function readAccount(server: TestServer, from: string): Promise<ServerAccount> {
  await server.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
  const rows = await server.query(
    `SET timezone = 'UTC';
     SELECT start_lsn::text AS start, end_lsn::text AS end, resource_manager AS manager, record_type AS type,
       xid::text AS xid, CASE WHEN resource_manager IN ('Transaction', 'XLOG') THEN description END AS description
     FROM pg_get_wal_records_info('${from}', pg_current_wal_flush_lsn())`,
  );
  const starts: Lsn[] = [];
  const ends: EndRecord[] = [];
  const points: { name: string; end: Lsn }[] = [];
  for (const row of rows) {
    const [start, end, type] = [lsnOf(row['start']), lsnOf(row['end']), String(row['type'])];
    const description = String(row['description']);
    starts.push(start);
    if (type === 'RESTORE_POINT') points.push({ name: description, end });
    const kind = /^(COMMIT|ABORT)/.exec(type)?.[1]?.toLowerCase() as EndRecord['kind'] | undefined;
    if (row['manager'] !== 'Transaction' || kind === undefined) continue;
    ends.push({ kind, ...readDescription(description, String(row['xid'])), start, end });
  }
  return { starts, ends, points };
}

/** `1234: 2026-11-22 10:00:00.123456 UTC; …`; the number stands there for prepared transactions only. */
function readDescription(text: string, xid: string): { xid: string; time: bigint } {
  const match = /^(?:(\d+): )?(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?: UTC|\+00)/.exec(text);
  if (match === null) throw new Error(`no time begins ${JSON.stringify(text)}`);
  const [, prepared, day = '', clock = '', fraction = ''] = match;
  const milliseconds = BigInt(Date.parse(`${day}T${clock}Z`));
  return { xid: prepared ?? xid, time: milliseconds * 1000n + BigInt(fraction.padEnd(6, '0')) };
}
