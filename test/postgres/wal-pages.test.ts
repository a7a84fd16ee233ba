import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findMisplacedPage, WAL_PAGE_LENGTH } from '../../src/postgres/wal-pages.ts';

const MAGIC = 0xd118;

function pages(position: bigint, count: number, zeroFrom = count): Buffer {
  const bytes = Buffer.alloc(count * WAL_PAGE_LENGTH);
  for (let page = 0; page < zeroFrom; page++) {
    const offset = page * WAL_PAGE_LENGTH;
    bytes.fill(0x11, offset, offset + WAL_PAGE_LENGTH);
    bytes.writeUInt16LE(MAGIC, offset);
    bytes.writeBigUInt64LE(position + BigInt(offset), offset + 8);
  }
  return bytes;
}

describe('the pages of a segment', () => {
  test('are all in their place, also where nothing was written behind a switch', () => {
    expect(findMisplacedPage(pages(1n << 40n, 4), 1n << 40n, MAGIC)).toBeUndefined();
    expect(findMisplacedPage(pages(8192n, 4, 2), 8192n, MAGIC)).toBeUndefined();
  });

  test('any flipped bit of a magic number or an address is found at its page', () => {
    const bits = fc.oneof(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 64, max: 127 }));
    fc.assert(
      fc.property(fc.nat(3), bits, (page, bit) => {
        const bytes = pages(0x3000000n, 4);
        const at = page * WAL_PAGE_LENGTH + Math.floor(bit / 8);
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit % 8)), at);
        expect(findMisplacedPage(bytes, 0x3000000n, MAGIC)).toBe(page * WAL_PAGE_LENGTH);
      }),
    );
  });

  test('a page of zeros with something on it is none', () => {
    const bytes = pages(0n, 2, 1);
    bytes.writeUInt8(1, WAL_PAGE_LENGTH + 5000);
    expect(findMisplacedPage(bytes, 0n, MAGIC)).toBe(WAL_PAGE_LENGTH);
  });
});
