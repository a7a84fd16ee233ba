import { readMainData, unreadable } from './wal-record-data.ts';
import { TRANSACTION_MANAGER, type WalRecord } from './wal-record.ts';
import { postgresTime } from './wal-time.ts';

/** The end of a transaction, as the log has it. */
export interface TransactionEnd {
  readonly kind: 'commit' | 'abort';
  /** Without the epoch; 0 for one that wrote nothing of its own but had to be logged. */
  readonly transaction: number;
  /** Microseconds since 1970, UTC: what `recovery_target_time` is compared with. */
  readonly time: bigint;
}

/** The operation within `info` (XLOG_XACT_OPMASK); the prepared ones end a transaction of another session. */
const OPERATION = 0x70;
const KINDS: Readonly<Record<number, TransactionEnd['kind']>> = {
  0x00: 'commit',
  0x20: 'abort',
  0x30: 'commit',
  0x40: 'abort',
};
const PREPARED: ReadonlySet<number> = new Set([0x30, 0x40]);

/** Set in `info`: four bytes of flags follow the time and announce optional parts. */
const XLOG_XACT_HAS_INFO = 0x80;
const HAS_TWO_PHASE = 1 << 4;

/** A part of the record that stands before the transaction of the two-phase commit. */
interface OptionalPart {
  readonly flag: number;
  /** Bytes of the part, or of each of the items whose u32 number comes first. */
  readonly length: number;
  readonly counted: boolean;
}

/** In the order in which they are written (ParseCommitRecord, ParseAbortRecord). */
function partsBefore(major: number): readonly OptionalPart[] {
  return [
    { flag: 1 << 0, length: 8, counted: false }, // database and tablespace
    { flag: 1 << 1, length: 4, counted: true }, // subtransactions
    { flag: 1 << 2, length: 12, counted: true }, // relations whose files go
    { flag: 1 << 8, length: major >= 18 ? 16 : 12, counted: true }, // statistics; their numbers have 64 bits since 18
    { flag: 1 << 3, length: 16, counted: true }, // invalidation messages
  ];
}

/**
 * Reads a record that ends a transaction: i64 microseconds since 2000, then what its flags announce.
 * @param major version of the server that wrote it
 * @returns `undefined` for every other record
 * @throws LarderError OBJECT_DAMAGED
 */
export function readTransactionEnd(record: WalRecord, major: number): TransactionEnd | undefined {
  if (record.resourceManager !== TRANSACTION_MANAGER) return undefined;
  const operation = record.info & OPERATION;
  const kind = KINDS[operation];
  if (kind === undefined) return undefined;
  const data = readMainData(record);
  if (data.length < 8) throw unreadable(record);
  const transaction = PREPARED.has(operation) ? preparedTransaction(record, data, major) : record.transaction;
  return { kind, transaction, time: postgresTime(data.readBigInt64LE(0)) };
}

/** The record is written by whoever ends the transaction, which therefore stands in the data. */
function preparedTransaction(record: WalRecord, data: Buffer, major: number): number {
  const flags = (record.info & XLOG_XACT_HAS_INFO) !== 0 && data.length >= 12 ? data.readUInt32LE(8) : 0;
  let at = 12;
  for (const { flag, length, counted } of partsBefore(major)) {
    if ((flags & flag) === 0) continue;
    if (counted && at + 4 > data.length) throw unreadable(record);
    at += counted ? 4 + length * data.readUInt32LE(at) : length;
  }
  if ((flags & HAS_TWO_PHASE) === 0 || at + 4 > data.length) throw unreadable(record);
  return data.readUInt32LE(at);
}
