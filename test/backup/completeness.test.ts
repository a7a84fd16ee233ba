import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  assertChecksum,
  assertWalIncluded,
  expectedChecksum,
  isUnlistedByDesign,
  missingWal,
} from '../../src/backup/completeness.ts';
import { crc32cHex, parseCrc32cHex } from '../../src/crc32c.ts';
import { segmentsOfRange } from '../../src/postgres/wal-segment.ts';

const MIB = 1024 * 1024;
const listed = { path: 'base/5/1', size: 100, algorithm: 'CRC32C', checksum: '839206e3' };

function incomplete(text: string): unknown {
  return expect.objectContaining({ code: 'BACKUP_INCOMPLETE', message: expect.stringContaining(text) });
}

describe('a file that the server lists', () => {
  test('must have the checksum that is listed', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), (crc, other) => {
        expect(parseCrc32cHex(crc32cHex(crc))).toBe(crc);
        expect(expectedChecksum({ ...listed, checksum: crc32cHex(crc) }, 100)).toBe(crc);
        const check = (): void => assertChecksum('base/5/1', crc, other);
        if (crc === other) expect(check).not.toThrow();
        else expect(check).toThrow(incomplete(`lists checksum ${crc32cHex(crc)}, what came has`));
      }),
    );
    expect(() => assertChecksum('base/5/1', 0, 1)).toThrow(
      incomplete('file "base/5/1": the server lists checksum 00000000, what came has 01000000'),
    );
  });

  test('must have come, with the size that is listed', () => {
    expect(() => expectedChecksum(listed, undefined)).toThrow(incomplete('lists it and never sent it'));
    expect(() => expectedChecksum(listed, 99)).toThrow(incomplete('the server lists 100 bytes and sent 99'));
  });

  test('must be listed with the checksum that was asked for', () => {
    const wrong = [
      { algorithm: undefined, checksum: undefined },
      { algorithm: 'SHA256', checksum: '839206e3' },
      { algorithm: 'CRC32C', checksum: '839206e' },
      { algorithm: 'CRC32C', checksum: undefined },
    ];
    for (const other of wrong)
      expect(() => expectedChecksum({ ...listed, ...other }, 100)).toThrow(incomplete('lists no CRC-32C'));
  });
});

test('only WAL may come without being listed', () => {
  expect(isUnlistedByDesign('pg_wal/000000010000000000000004')).toBe(true);
  for (const path of ['base/5/1', 'pg_walx/1', 'base/pg_wal/1', 'backup_label'])
    expect(isUnlistedByDesign(path)).toBe(false);
});

describe('the WAL that a backup needs', () => {
  const range = fc
    .record({
      timeline: fc.integer({ min: 1, max: 9 }),
      start: fc.bigInt({ min: 0n, max: 2n ** 40n }),
      length: fc.bigInt({ min: 1n, max: 20n * BigInt(MIB) }),
    })
    .map(({ timeline, start, length }) => ({ timeline, start, end: start + length }));
  const ranges = fc.array(range, { minLength: 1, maxLength: 3 });

  test('is there when every segment came whole, and not when any did not', () => {
    fc.assert(
      fc.property(ranges, fc.nat(), fc.option(fc.nat(MIB - 1)), (needed, turn, size) => {
        const names = needed.flatMap(({ timeline, start, end }) => [
          ...segmentsOfRange(timeline, start, end, MIB),
        ]);
        const came = new Map(names.map((name) => [`pg_wal/${name}`, MIB]));
        const sizeOf = (path: string): number | undefined => came.get(path);
        expect([...missingWal(needed, MIB, sizeOf)]).toEqual([]);
        expect(() => assertWalIncluded(needed, MIB, sizeOf)).not.toThrow();
        const lost = names[turn % names.length]!;
        if (size === null) came.delete(`pg_wal/${lost}`);
        else came.set(`pg_wal/${lost}`, size);
        expect(new Set(missingWal(needed, MIB, sizeOf))).toEqual(new Set([lost]));
        expect(() => assertWalIncluded(needed, MIB, sizeOf)).toThrow(
          incomplete(`segment ${lost} did not come whole`),
        );
      }),
    );
  });

  test('must be named at all', () => {
    expect(() => assertWalIncluded([], MIB, () => MIB)).toThrow(incomplete('names no WAL range'));
  });
});
