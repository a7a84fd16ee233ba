import type { WalRecord } from '../../src/postgres/wal-record.ts';
import { makeRecord, type RecordContent } from './wal-log.ts';

/** A record as a reader gives it, of this content and somewhere in a log. */
export function record(content: RecordContent): WalRecord {
  return { ...content, start: 0x1000028n, end: 0x2000000n, bytes: makeRecord(content, 0n) };
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** Main data behind what may stand before them. */
export function main(data: Buffer, { origin = false, topLevel = false, long = false } = {}): Buffer {
  return Buffer.concat([
    origin ? Buffer.from([253, 0xff, 0xff]) : Buffer.alloc(0),
    topLevel ? Buffer.from([252, 0xff, 0xff, 0xff, 0xff]) : Buffer.alloc(0),
    long || data.length > 255
      ? Buffer.concat([Buffer.from([254]), u32(data.length)])
      : Buffer.from([255, data.length]),
    data,
  ]);
}
