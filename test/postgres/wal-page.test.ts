import { describe, expect, test } from '@jest/globals';
import { assertSegment, LONG_HEADER_LENGTH, readSegmentHeader } from '../../src/postgres/wal-page.ts';

const SIZE = 16 * 1024 * 1024;
const expected = {
  segment: { timeline: 3, number: 5n },
  segmentSize: SIZE,
  systemIdentifier: '7711013837087516379',
  major: 17,
};

function header(change: (bytes: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.alloc(LONG_HEADER_LENGTH);
  bytes.writeUInt16LE(0xd116, 0);
  bytes.writeUInt16LE(0x0002, 2);
  bytes.writeUInt32LE(3, 4);
  bytes.writeBigUInt64LE(5n * BigInt(SIZE), 8);
  bytes.writeBigUInt64LE(7711013837087516379n, 24);
  bytes.writeUInt32LE(SIZE, 32);
  bytes.writeUInt32LE(8192, 36);
  change(bytes);
  return bytes;
}

describe('the header of a segment', () => {
  test('is read field by field', () => {
    expect(readSegmentHeader(header())).toEqual({
      magic: 0xd116,
      timeline: 3,
      pageAddress: 5n * BigInt(SIZE),
      systemIdentifier: '7711013837087516379',
      segmentSize: SIZE,
      blockSize: 8192,
    });
  });

  test('passes when it is of this cluster, place and version, also when its first page is still the parent timeline’s', () => {
    expect(() => assertSegment(header(), expected)).not.toThrow();
    expect(() =>
      assertSegment(
        header((bytes) => bytes.writeUInt32LE(2, 4)),
        expected,
      ),
    ).not.toThrow();
  });

  test('is not judged by a magic number of a version this release does not know', () => {
    expect(() =>
      assertSegment(
        header((bytes) => bytes.writeUInt16LE(0xd200, 0)),
        { ...expected, major: 19 },
      ),
    ).not.toThrow();
  });

  test.each([
    ['zeros', (bytes: Buffer) => bytes.fill(0), 'does not begin with a WAL page'],
    ['another version', (bytes: Buffer) => bytes.writeUInt16LE(0xd113, 0), 'is not of PostgreSQL 17'],
    ['another cluster', (bytes: Buffer) => bytes.writeBigUInt64LE(1n, 24), 'belongs to system 1'],
    ['another segment size', (bytes: Buffer) => bytes.writeUInt32LE(1024, 32), 'says it has 1024 bytes'],
    [
      'another position',
      (bytes: Buffer) => bytes.writeBigUInt64LE(0n, 8),
      'holds the WAL of another position',
    ],
    ['a later timeline', (bytes: Buffer) => bytes.writeUInt32LE(4, 4), 'is of timeline 4'],
  ])('is refused when it is of %s', (_, change, message) => {
    expect(() => assertSegment(header(change), expected)).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_VIOLATION',
        message: expect.stringContaining(message),
      }),
    );
  });

  test('is refused when it is cut short', () => {
    expect(readSegmentHeader(header().subarray(0, LONG_HEADER_LENGTH - 1))).toBeUndefined();
  });
});
