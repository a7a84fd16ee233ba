import type { ServerFacts } from '../sql/server-facts.ts';
import { alterSystem } from './row.ts';
import type { PreflightRow } from './row.ts';

interface Seats {
  readonly setting: 'max_wal_senders' | 'max_replication_slots';
  readonly used: number;
  /** A backup fails with fewer. */
  readonly needed: number;
  /** A backup and the transaction log at the same time, with one to spare for walsenders. */
  readonly wanted: number;
}

/** Walsenders and slots are counted once for the whole server: standbys and other tools take from the same. */
export function seatRows(facts: ServerFacts): readonly PreflightRow[] {
  return [
    { setting: 'max_wal_senders', used: facts.walSenders, needed: 1, wanted: 3 },
    { setting: 'max_replication_slots', used: facts.replicationSlots, needed: 1, wanted: 2 },
  ].flatMap((seats) => seatRow(facts, seats as Seats));
}

function seatRow(facts: ServerFacts, seats: Seats): readonly PreflightRow[] {
  const most = Number(facts.settings.get(seats.setting));
  if (Number.isNaN(most)) return [];
  const free = most - seats.used;
  const row = { name: seats.setting, found: `${most}, ${seats.used} in use` };
  if (free >= seats.wanted) return [{ ...row, state: 'ok' }];
  const mend = alterSystem(seats.setting, String(Math.max(10, seats.used + seats.wanted)), true);
  return [{ ...row, state: free < seats.needed ? 'error' : 'warning', mend }];
}
