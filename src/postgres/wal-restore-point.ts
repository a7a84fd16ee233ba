import { readMainData, unreadable } from './wal-record-data.ts';
import { isKind, XLOG_MANAGER, type WalRecord } from './wal-record.ts';
import { postgresTime } from './wal-time.ts';

const XLOG_RESTORE_POINT = 0x70;
const TIME_LENGTH = 8;

/** A name that somebody gave to a place in the log (`pg_create_restore_point`). */
export interface RestorePoint {
  /** Read as UTF-8, which the server does not promise. */
  readonly name: string;
  /** Microseconds since 1970, UTC. */
  readonly time: bigint;
}

/**
 * Reads a restore point: i64 microseconds since 2000, then the name up to a byte 0 (xl_restore_point).
 * @returns `undefined` for every other record
 * @throws LarderError OBJECT_DAMAGED
 */
export function readRestorePoint(record: WalRecord): RestorePoint | undefined {
  if (!isKind(record, XLOG_MANAGER, XLOG_RESTORE_POINT)) return undefined;
  const data = readMainData(record);
  const end = data.indexOf(0, TIME_LENGTH);
  if (data.length < TIME_LENGTH || end === -1) throw unreadable(record);
  return { name: data.toString('utf8', TIME_LENGTH, end), time: postgresTime(data.readBigInt64LE(0)) };
}
