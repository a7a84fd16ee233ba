import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c, crc32cHex, shiftCrc32c, withZeros } from '../src/crc32c.ts';

/** The definition, a bit at a time. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('CRC-32C', () => {
  test('gives the check value of its definition, as PostgreSQL prints it', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32cHex(0xe3069283)).toBe('839206e3');
    expect(crc32cHex(0)).toBe('00000000');
    // RFC 3720, B.4
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  });

  test('agrees with its definition on any bytes, also in shared memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(crc32c(bytes)).toBe(slowCrc32c(bytes));
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        expect(crc32c(shared)).toBe(slowCrc32c(bytes));
      }),
    );
  });

  test('of bytes and zeros behind them is told without these', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(300), (bytes, zeros) => {
        const whole = Buffer.concat([bytes, Buffer.alloc(zeros)]);
        expect(withZeros(crc32c(bytes), zeros)).toBe(crc32c(whole));
      }),
    );
  });

  test('of a whole is the exclusive-or of its parts, shifted by what follows them, in any order', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 8 });
    fc.assert(
      fc.property(parts, fc.nat(), (pieces, turn) => {
        let after = pieces.reduce((sum, piece) => sum + piece.length, 0);
        const shifted = pieces.map((piece) => shiftCrc32c(crc32c(piece), (after -= piece.length)));
        const start = turn % (pieces.length + 1);
        const anyOrder = [...shifted.slice(start), ...shifted.slice(0, start)].toReversed();
        const whole = anyOrder.reduce((sum, part) => (sum ^ part) >>> 0, 0);
        expect(whole).toBe(crc32c(Buffer.concat(pieces)));
      }),
    );
  });

  test('is shifted over any length, in as many steps as one likes', () => {
    const length = fc.integer({ min: 0, max: 2 ** 51 });
    fc.assert(
      fc.property(fc.nat(0xffffffff), length, length, (crc, one, other) => {
        const shifted = shiftCrc32c(shiftCrc32c(crc, one), other);
        expect(shifted).toBe(shiftCrc32c(crc, one + other));
        expect(shifted).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('is shifted over gigabytes as if they had been read', () => {
    const zeros = crc32c(Buffer.alloc(1024 * 1024));
    let whole = 0;
    for (let i = 0; i < 300 * 1024; i += 1024) {
      let gigabyte = zeros;
      for (let doubled = 1; doubled < 1024; doubled *= 2)
        gigabyte = (shiftCrc32c(gigabyte, doubled * 1024 * 1024) ^ gigabyte) >>> 0;
      whole = (shiftCrc32c(whole, 1024 ** 3) ^ gigabyte) >>> 0;
    }
    let inOne = 0;
    for (let i = 0; i < 300; i++) {
      let gigabyte = zeros;
      for (let doubled = 1; doubled < 1024; doubled *= 2)
        gigabyte = (shiftCrc32c(gigabyte, doubled * 1024 * 1024) ^ gigabyte) >>> 0;
      inOne = (inOne ^ shiftCrc32c(gigabyte, (299 - i) * 1024 ** 3)) >>> 0;
    }
    expect(whole).toBe(inOne);
  });
});
