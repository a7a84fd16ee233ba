import { LarderError } from '../../errors.ts';
import { parseLsn, type Lsn } from '../lsn.ts';
import { sqlState } from '../server-error.ts';
import type { ReplicationConnection } from './replication-connection.ts';

/** What a physical slot keeps. */
export interface PhysicalSlot {
  /** WAL from here on is kept; undefined when it keeps nothing: never reserved, or invalidated. */
  readonly restart: { readonly lsn: Lsn; readonly timeline: number } | undefined;
}

/**
 * The slot of that name; `undefined` when the server has none.
 * @throws LarderError PROTOCOL_VIOLATION, as `ReplicationConnection.command`
 */
export async function readSlot(
  connection: ReplicationConnection,
  name: string,
): Promise<PhysicalSlot | undefined> {
  const [row] = await connection.command(`READ_REPLICATION_SLOT "${name}"`);
  if (row === undefined) throw new LarderError('PROTOCOL_VIOLATION', 'READ_REPLICATION_SLOT gave no row');
  const { slot_type: type, restart_lsn: lsn, restart_tli: timeline } = row;
  if (type === null) return undefined;
  if (lsn === null) return { restart: undefined };
  const position = typeof lsn === 'string' ? parseLsn(lsn) : undefined;
  if (position === undefined || !/^\d+$/.test(String(timeline))) {
    throw new LarderError('PROTOCOL_VIOLATION', `READ_REPLICATION_SLOT gave no position for ${name}`);
  }
  return { restart: { lsn: position, timeline: Number(timeline) } };
}

/** Makes a slot that keeps WAL from the last checkpoint on, at once, and outlives the connection. */
export async function createSlot(connection: ReplicationConnection, name: string): Promise<void> {
  await connection.command(`CREATE_REPLICATION_SLOT "${name}" PHYSICAL (RESERVE_WAL true)`);
}

/** Removes the slot; no error when there is none. Throws SERVER_ERROR (55006) when somebody streams from it. */
export async function dropSlot(connection: ReplicationConnection, name: string): Promise<void> {
  try {
    await connection.command(`DROP_REPLICATION_SLOT "${name}"`);
  } catch (error) {
    if (sqlState(error) !== '42704') throw error;
  }
}

/** The text of a timeline's history, as the server has it. Never for timeline 1, which has none. */
export async function readTimelineHistory(
  connection: ReplicationConnection,
  timeline: number,
): Promise<string> {
  const [row] = await connection.command(`TIMELINE_HISTORY ${timeline}`);
  const content = row?.['content'];
  if (typeof content === 'string') return content;
  if (Buffer.isBuffer(content)) return content.toString('utf8');
  throw new LarderError('PROTOCOL_VIOLATION', `the server gave no history of timeline ${timeline}`);
}
