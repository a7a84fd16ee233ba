import type { Session } from './session.ts';

/** What a server says of our slot; `undefined`: it has none, or cannot tell. */
export interface SlotFacts {
  /** Bytes of WAL the server keeps for it. */
  readonly retainedBytes: number | undefined;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | undefined;
  /** Bytes that can be written before the slot is lost; not limited when max_slot_wal_keep_size is not. */
  readonly safeBytes: number | undefined;
  readonly active: boolean | undefined;
}

/** Asks for a slot, on a primary or a standby. Any role may. */
export async function readSlotFacts(session: Session, name: string): Promise<SlotFacts> {
  const text = `SELECT wal_status, safe_wal_size, active, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery()
      THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::bigint AS retained
    FROM pg_replication_slots WHERE slot_name = $1`;
  const query = { text, values: [name], what: 'looking at the replication slot' };
  const [found] = await session.rows(query, (row) => ({
    walStatus: row.optionalText('wal_status'),
    safeBytes: row.optionalInteger('safe_wal_size'),
    retainedBytes: row.optionalInteger('retained'),
    active: row.boolean('active'),
  }));
  return found ?? { walStatus: undefined, safeBytes: undefined, retainedBytes: undefined, active: undefined };
}

/** Whom the server waits for at commit, and how; `undefined`: it does not say. */
export interface SynchronousFacts {
  readonly standbyNames: string | undefined;
  readonly commit: string | undefined;
}

export function readSynchronousFacts(session: Session): Promise<SynchronousFacts> {
  const text = `SELECT current_setting('synchronous_standby_names', true) AS names,
    current_setting('synchronous_commit', true) AS commit`;
  return session.row({ text, what: 'reading whom commits wait for' }, (row) => ({
    standbyNames: row.optionalText('names'),
    commit: row.optionalText('commit'),
  }));
}
