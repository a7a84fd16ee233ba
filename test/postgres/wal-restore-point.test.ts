import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readRestorePoint } from '../../src/postgres/wal-restore-point.ts';
import { i64, main, record } from '../support/wal-record-parts.ts';

const before = fc.record({ origin: fc.boolean(), topLevel: fc.boolean(), long: fc.boolean() });
const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const EPOCH = BigInt(Date.UTC(2000, 0, 1)) * 1000n;

describe('a restore point', () => {
  const of = (data: Buffer, resourceManager = 0, info = 0x70) =>
    record({ resourceManager, info, transaction: 0, data });
  const field = (name: string) =>
    Buffer.concat([Buffer.from(name), Buffer.alloc(64 - Buffer.byteLength(name))]);

  test('is read with its name and time', () => {
    const name = fc.string({ unit: 'binary', maxLength: 15 }).map((text) => text.replaceAll('\0', ''));
    fc.assert(
      fc.property(name, time, before, (text, at, others) => {
        const one = of(main(Buffer.concat([i64(at), field(text)]), others));
        expect(readRestorePoint(one)).toEqual({ name: text, time: at + EPOCH });
      }),
    );
  });

  test('is no other record', () => {
    const data = main(Buffer.concat([i64(0n), field('a')]));
    expect(readRestorePoint(of(data, 1))).toBeUndefined();
    expect(readRestorePoint(of(data, 0, 0x60))).toBeUndefined();
    expect(readRestorePoint(of(data, 0, 0x72))).toBeDefined();
  });

  test.each([
    ['a name that does not end', Buffer.alloc(72, 1)],
    ['too few data', Buffer.alloc(7)],
  ])('is damaged with %s', (_, data) => {
    expect(() => readRestorePoint(of(main(data)))).toThrow(
      expect.objectContaining({ code: 'OBJECT_DAMAGED' }),
    );
  });
});
