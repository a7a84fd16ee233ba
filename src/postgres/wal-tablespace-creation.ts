import { pathFromBytes } from './path-bytes.ts';
import { readMainData, unreadable } from './wal-record-data.ts';
import { isKind, type WalRecord } from './wal-record.ts';

/** RM_TBLSPC_ID: tablespaces. */
const TABLESPACE_MANAGER = 5;
const XLOG_TBLSPC_CREATE = 0x00;
/** Bytes of a record up to its resource manager, that included. */
const UP_TO_MANAGER = 18;

/** A tablespace that a server replaying the log will make, in the very directory of the original. */
export interface TablespaceCreation {
  readonly oid: number;
  /** Absolute, as `pathFromBytes` has it; empty for one that lies in the data directory (allow_in_place_tablespaces). */
  readonly location: string;
}

/**
 * Reads a record that makes a tablespace (xl_tblspc_create_rec): u32 OID, then the path, up to a NUL.
 * @returns undefined for every other record
 * @throws LarderError OBJECT_DAMAGED when the record's content is not what its kind has
 */
export function readTablespaceCreation(record: WalRecord): TablespaceCreation | undefined {
  if (!isKind(record, TABLESPACE_MANAGER, XLOG_TBLSPC_CREATE)) return undefined;
  const data = readMainData(record);
  const end = data.indexOf(0, 4);
  if (data.length < 5 || end < 0) throw unreadable(record);
  return { oid: data.readUInt32LE(0), location: pathFromBytes(data.subarray(4, end)) };
}

/** Whether a record of which only the first bytes are known may be one. */
export function mayMakeTablespace(beginning: Buffer): boolean {
  if (beginning.length < UP_TO_MANAGER) return true;
  const kind = { info: beginning.readUInt8(16), resourceManager: beginning.readUInt8(17) };
  return isKind(kind, TABLESPACE_MANAGER, XLOG_TBLSPC_CREATE);
}
