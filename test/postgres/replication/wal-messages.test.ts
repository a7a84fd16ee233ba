import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  encodeStandbyStatus,
  KEEPALIVE_LENGTH,
  readKeepalive,
  readWalDataHeader,
  WAL_DATA_HEADER_LENGTH,
} from '../../../src/postgres/replication/wal-messages.ts';

const lsn = fc.bigInt(0n, (1n << 64n) - 1n);

describe('messages of a WAL stream', () => {
  test('name the start of their data and how far the server’s log reaches', () => {
    fc.assert(
      fc.property(lsn, lsn, (start, serverEnd) => {
        const bytes = Buffer.alloc(WAL_DATA_HEADER_LENGTH, 0x77);
        bytes.writeBigUInt64BE(start, 1);
        bytes.writeBigUInt64BE(serverEnd, 9);
        expect(readWalDataHeader(bytes)).toEqual({ start, serverEnd });
      }),
    );
  });

  test('a keepalive says how far the server has sent and whether it waits for an answer', () => {
    fc.assert(
      fc.property(lsn, fc.boolean(), (sentEnd, replyRequested) => {
        const bytes = Buffer.alloc(KEEPALIVE_LENGTH, 0x6b);
        bytes.writeBigUInt64BE(sentEnd, 1);
        bytes.writeUInt8(replyRequested ? 1 : 0, 17);
        expect(readKeepalive(bytes)).toEqual({ sentEnd, replyRequested });
      }),
    );
  });

  test('a status is one CopyData of 34 bytes that never says anything was applied', () => {
    fc.assert(
      fc.property(lsn, lsn, fc.boolean(), (written, flushed, replyRequested) => {
        const now = Date.UTC(2026, 10, 22);
        const message = encodeStandbyStatus({ written, flushed, now, replyRequested });
        expect(message.toString('latin1', 0, 1) + message.toString('latin1', 5, 6)).toBe('dr');
        expect(message.readInt32BE(1)).toBe(message.length - 1);
        expect(message.length).toBe(5 + 34);
        expect([
          message.readBigUInt64BE(6),
          message.readBigUInt64BE(14),
          message.readBigUInt64BE(22),
        ]).toEqual([written, flushed, 0n]);
        expect(message.readBigInt64BE(30)).toBe(BigInt(now - Date.UTC(2000, 0, 1)) * 1000n);
        expect(message.readUInt8(38)).toBe(replyRequested ? 1 : 0);
      }),
    );
  });
});
