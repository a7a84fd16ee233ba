import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatLsn, parseLsn } from '../../src/postgres/lsn.ts';

const lsn = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('an LSN', () => {
  test('is read back as it was printed', () => {
    fc.assert(fc.property(lsn, (position) => parseLsn(formatLsn(position)) === position));
  });

  test('is printed as PostgreSQL prints it', () => {
    expect(formatLsn(0n)).toBe('0/0');
    expect(formatLsn(0x16_b374d848n)).toBe('16/B374D848');
    expect(formatLsn(2n ** 64n - 1n)).toBe('FFFFFFFF/FFFFFFFF');
  });

  test('is read with the leading zeros of PostgreSQL 19 and in small letters', () => {
    fc.assert(
      fc.property(lsn, (position) => {
        const [high = '', low = ''] = formatLsn(position).split('/');
        expect(parseLsn(`${high}/${low.padStart(8, '0')}`)).toBe(position);
        expect(parseLsn(`${high}/${low}`.toLowerCase())).toBe(position);
      }),
    );
  });

  test('is nothing else', () => {
    const others = ['', '/', '0', '0/', '/0', '0/0/0', '000000001/0', '0/000000000', 'G/0', ' 0/0', '0/0\n'];
    for (const text of others) expect(parseLsn(text)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (!/^[0-9a-f]{1,8}\/[0-9a-f]{1,8}$/i.test(text)) expect(parseLsn(text)).toBeUndefined();
      }),
    );
  });
});
