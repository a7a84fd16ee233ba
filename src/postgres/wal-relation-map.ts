import { DEFAULT_TABLESPACE } from './relation-file.ts';
import { readMainData, unreadable } from './wal-record-data.ts';
import { isKind, type WalRecord } from './wal-record.ts';

/** RM_RELMAP_ID: which file each mapped catalog lies in. */
const RELATION_MAP_MANAGER = 7;
const XLOG_RELMAP_UPDATE = 0x00;
/** Database, tablespace and length of the map, four bytes each (xl_relmap_update). */
const FIXED_LENGTH = 12;

/** A database whose pg_filenode.map a server replaying the log will write anew. */
export interface RelationMapUpdate {
  readonly database: number;
  readonly tablespace: number;
}

/**
 * Reads a record that replaces the relation map of a database.
 * @returns undefined for every other record, also for the map of the shared catalogs
 * @throws LarderError OBJECT_DAMAGED when the record's content is not what its kind has
 */
export function readRelationMapUpdate(record: WalRecord): RelationMapUpdate | undefined {
  if (!isKind(record, RELATION_MAP_MANAGER, XLOG_RELMAP_UPDATE)) return undefined;
  const data = readMainData(record);
  if (data.length < FIXED_LENGTH) throw unreadable(record);
  const [database, tablespace] = [data.readUInt32LE(0), data.readUInt32LE(4)];
  return database === 0 ? undefined : { database, tablespace };
}

/**
 * The directory of the database, relative to the data directory.
 * @param directories those there are: a tablespace's tells what the server calls its own part of it
 * @returns undefined where it lies in a tablespace of which there is nothing
 */
export function directoryOfDatabase(
  { database, tablespace }: RelationMapUpdate,
  directories: Iterable<string>,
): string | undefined {
  if (tablespace === DEFAULT_TABLESPACE) return `base/${database}`;
  const part = new RegExp(`^pg_tblspc/${tablespace}/PG_[^/]+`);
  for (const path of directories) {
    const found = part.exec(path);
    if (found !== null) return `${found[0]}/${database}`;
  }
  return undefined;
}
