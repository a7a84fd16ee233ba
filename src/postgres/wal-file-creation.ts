import { DEFAULT_TABLESPACE, GLOBAL_TABLESPACE, type RelationLocator } from './relation-file.ts';
import { readMainData, unreadable } from './wal-record-data.ts';
import { isKind, type WalRecord } from './wal-record.ts';

/** RM_SMGR_ID: files of relations. */
const STORAGE_MANAGER = 2;
const XLOG_SMGR_CREATE = 0x10;
/** INIT_FORKNUM: only unlogged relations have one. */
const INIT_FORK = 3;

/**
 * Reads a record that creates the init fork of an unlogged relation (xl_smgr_create): u32 tablespace, database and relation,
 * i32 fork.
 * @returns undefined for every other record
 * @throws LarderError OBJECT_DAMAGED when the record's content is not what its kind has
 */
export function readInitForkCreation(record: WalRecord): RelationLocator | undefined {
  if (!isKind(record, STORAGE_MANAGER, XLOG_SMGR_CREATE)) return undefined;
  const data = readMainData(record);
  if (data.length !== 16) throw unreadable(record);
  if (data.readInt32LE(12) !== INIT_FORK) return undefined;
  return { tablespace: data.readUInt32LE(0), database: data.readUInt32LE(4), relation: data.readUInt32LE(8) };
}

/** Matches the paths of the relation's main fork, free space map and visibility map, with all their segments. */
export function filesOfRelation({ tablespace, database, relation }: RelationLocator): RegExp {
  const directory =
    tablespace === DEFAULT_TABLESPACE
      ? `base/${database}`
      : tablespace === GLOBAL_TABLESPACE
        ? 'global'
        : `pg_tblspc/${tablespace}/PG_[^/]+/${database}`;
  return new RegExp(`^${directory}/${relation}(_vm|_fsm)?(\\.\\d+)?$`);
}
