import { LarderError } from '../errors.ts';
import { formatLsn } from './lsn.ts';
import { RECORD_HEADER_LENGTH, type WalRecord } from './wal-record.ts';

/** What may stand between a record's header and its data (xlogrecord.h), told by its first byte. */
const DATA_SHORT = 255; // then u8 length, then the data
const DATA_LONG = 254; // then u32 length, then the data
const BYTES_OF_OTHERS: Readonly<Record<number, number>> = {
  253: 2, // replication origin
  252: 4, // top-level transaction
};

/**
 * The main data of a record that changes no blocks: what a resource manager wrote for itself, in a structure of its own.
 * @throws LarderError OBJECT_DAMAGED when the record is built differently
 */
export function readMainData(record: WalRecord): Buffer {
  const { bytes } = record;
  let at = RECORD_HEADER_LENGTH;
  for (;;) {
    const id = bytes[at];
    const data = id === DATA_SHORT ? at + 2 : at + 5;
    if ((id === DATA_SHORT || id === DATA_LONG) && data <= bytes.length) {
      const length = id === DATA_SHORT ? bytes.readUInt8(at + 1) : bytes.readUInt32LE(at + 1);
      if (data + length === bytes.length) return bytes.subarray(data);
    }
    const skipped = BYTES_OF_OTHERS[id ?? DATA_SHORT];
    if (skipped === undefined) throw unreadable(record);
    at += 1 + skipped;
  }
}

/** The error for a record whose content is not what its kind has. */
export function unreadable(record: WalRecord): LarderError {
  const { start, resourceManager, info } = record;
  return new LarderError(
    'OBJECT_DAMAGED',
    `the WAL record at ${formatLsn(start)} (resource manager ${resourceManager}, info ${info}) has unreadable content`,
  );
}
