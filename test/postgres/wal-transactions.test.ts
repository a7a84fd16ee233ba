import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readTransactionEnd } from '../../src/postgres/wal-transactions.ts';
import { i64, main, record, u32 } from '../support/wal-record-parts.ts';

const before = fc.record({ origin: fc.boolean(), topLevel: fc.boolean(), long: fc.boolean() });
const transaction = fc.nat(0xffffffff);
const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const EPOCH = BigInt(Date.UTC(2000, 0, 1)) * 1000n;

const KINDS = [
  [0x00, 'commit'],
  [0x20, 'abort'],
] as const;

describe('the end of a transaction', () => {
  test('is read from what its own session wrote', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), transaction, time, before, ([info, kind], xid, at, others) => {
        const data = main(i64(at), others);
        const one = record({ resourceManager: 1, info, transaction: xid, data });
        expect(readTransactionEnd(one, 17)).toEqual({ kind, transaction: xid, time: at + EPOCH });
      }),
    );
  });

  test('is that of the prepared one, which stands behind all parts that are announced', () => {
    const items = fc.nat(20);
    const parts = fc.record({ 1: items, 2: items, 3: items, 8: items }, { requiredKeys: [] });
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.record({ parts, database: fc.boolean(), others: before, more: fc.uint8Array({ maxLength: 300 }) }),
        fc.record({ xid: transaction, at: time, major: fc.constantFrom(15, 16, 17, 18, 19) }),
        ([info, kind], { parts: counts, database, others, more }, { xid, at, major }) => {
          const sizes = { 1: 4, 2: 12, 8: major >= 18 ? 16 : 12, 3: 16 } as const;
          const pieces: Buffer[] = database ? [Buffer.alloc(8, 0xee)] : [];
          let flags = (database ? 1 : 0) | (1 << 4) | (1 << 7);
          // the statistics stand before the messages
          for (const bit of [1, 2, 8, 3] as const) {
            const count = counts[bit];
            if (count === undefined) continue;
            flags |= 1 << bit;
            pieces.push(u32(count), Buffer.alloc(count * sizes[bit], 0xee));
          }
          const data = main(Buffer.concat([i64(at), u32(flags), ...pieces, u32(xid), more]), others);
          const one = record({
            resourceManager: 1,
            info: info + (info === 0 ? 0xb0 : 0xa0),
            transaction: 0,
            data,
          });
          expect(readTransactionEnd(one, major)).toEqual({ kind, transaction: xid, time: at + EPOCH });
        },
      ),
    );
  });

  test('is nothing that another record tells', () => {
    const data = main(i64(0n));
    for (const info of [0x10, 0x50, 0x60, 0x70])
      expect(
        readTransactionEnd(record({ resourceManager: 1, info, transaction: 1, data }), 17),
      ).toBeUndefined();
    expect(
      readTransactionEnd(record({ resourceManager: 10, info: 0, transaction: 1, data }), 17),
    ).toBeUndefined();
  });

  test.each<[string, number, Buffer]>([
    ['no data', 0, Buffer.alloc(0)],
    ['data cut short', 0, Buffer.from([255, 8, 0, 0])],
    ['too few data', 0, main(Buffer.alloc(7))],
    ['more than its data', 0, Buffer.concat([main(i64(0n)), Buffer.alloc(1)])],
    ['blocks', 0, Buffer.concat([Buffer.alloc(20), main(i64(0n))])],
    ['no flags, prepared', 0x30, main(i64(0n))],
    ['flags without a transaction, prepared', 0xb0, main(Buffer.concat([i64(0n), u32(0), u32(5)]))],
    [
      'a part longer than all, prepared',
      0xb0,
      main(Buffer.concat([i64(0n), u32(0x12), u32(2 ** 31), u32(5)])),
    ],
    ['a part without a number, prepared', 0xb0, main(Buffer.concat([i64(0n), u32(0x12)]))],
  ])('is damaged with %s', (_, info, data) => {
    const one = record({ resourceManager: 1, info, transaction: 0, data });
    expect(() => readTransactionEnd(one, 17)).toThrow(
      expect.objectContaining({
        code: 'OBJECT_DAMAGED',
        message: `the WAL record at 0/1000028 (resource manager 1, info ${info}) has unreadable content`,
      }),
    );
  });
});
