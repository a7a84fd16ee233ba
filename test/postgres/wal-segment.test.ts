import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  historyName,
  isSegmentSize,
  parseSegmentName,
  segmentAt,
  segmentName,
  segmentsOfRange,
} from '../../src/postgres/wal-segment.ts';

const MIB = 1024 * 1024;
const size = fc.integer({ min: 0, max: 10 }).map((power) => MIB * 2 ** power);
const timeline = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const lsn = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('the size of a segment', () => {
  test('is a power of two from 1 MiB to 1 GiB', () => {
    const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].map((mebibytes) => mebibytes * MIB);
    for (const bytes of sizes) {
      expect(isSegmentSize(bytes)).toBe(true);
      expect(isSegmentSize(bytes + 1)).toBe(false);
      expect(isSegmentSize(bytes - 1)).toBe(false);
    }
    for (const bytes of [0, -1, Number.NaN, 0.5, MIB / 2, 2048 * MIB, 3 * MIB])
      expect(isSegmentSize(bytes)).toBe(false);
  });
});

describe('the name of a segment', () => {
  test('is read back as the segment it names, whatever its size and timeline', () => {
    fc.assert(
      fc.property(size, timeline, lsn, (bytes, line, position) => {
        const segment = segmentAt(line, position, bytes);
        const name = segmentName(segment, bytes);
        expect(name).toMatch(/^[0-9A-F]{24}$/);
        expect(parseSegmentName(name, bytes)).toEqual(segment);
      }),
    );
  });

  test('sorts as its segments follow each other', () => {
    fc.assert(
      fc.property(size, timeline, lsn, lsn, (bytes, line, one, other) => {
        const [a, b] = [segmentAt(line, one, bytes), segmentAt(line, other, bytes)];
        const order = segmentName(a, bytes) < segmentName(b, bytes);
        expect(order).toBe(a.number < b.number);
      }),
    );
  });

  test('is the one PostgreSQL gives', () => {
    expect(segmentName(segmentAt(1, 0x4000028n, 16 * MIB), 16 * MIB)).toBe('000000010000000000000004');
    expect(segmentName(segmentAt(0x1a, 0x16_b374d848n, 16 * MIB), 16 * MIB)).toBe('0000001A00000016000000B3');
    expect(segmentName(segmentAt(1, 0x16_b374d848n, MIB), MIB)).toBe('000000010000001600000B37');
    expect(segmentName(segmentAt(1, 0x16_b374d848n, 1024 * MIB), 1024 * MIB)).toBe(
      '000000010000001600000002',
    );
  });

  test('is nothing that could not be one with this size', () => {
    expect(parseSegmentName('0000000100000000000000FF', 16 * MIB)).toBeDefined();
    expect(parseSegmentName('000000010000000000000100', 16 * MIB)).toBeUndefined();
    expect(parseSegmentName('000000010000000000000100', MIB)).toBeDefined();
    expect(parseSegmentName('000000000000000000000001', 16 * MIB)).toBeUndefined();
    for (const name of [
      '',
      '00000001.history',
      '0000000100000000000000ff',
      '000000010000000000000001.partial',
    ])
      expect(parseSegmentName(name, 16 * MIB)).toBeUndefined();
  });
});

describe('the segments of a range', () => {
  const length = fc.integer({ min: 0, max: 20 * MIB });

  test('hold every byte of it and nothing else', () => {
    fc.assert(
      fc.property(timeline, fc.bigInt({ min: 0n, max: 2n ** 63n }), length, (line, start, bytes) => {
        const names = [...segmentsOfRange(line, start, start + BigInt(bytes), MIB)];
        const numbers = names.map((name) => parseSegmentName(name, MIB)!.number);
        numbers.forEach((number, i) => expect(number).toBe(numbers[0]! + BigInt(i)));
        expect(numbers[0]).toBe(start / BigInt(MIB));
        const last = bytes === 0 ? start : start + BigInt(bytes) - 1n;
        expect(numbers.at(-1)).toBe(last / BigInt(MIB));
      }),
    );
  });

  test('leave out the one on whose first byte the range ends', () => {
    const [start, end] = [0x1000028n, 0x2000000n];
    expect([...segmentsOfRange(1, start, end, 16 * MIB)]).toEqual(['000000010000000000000001']);
    expect([...segmentsOfRange(1, start, end + 1n, 16 * MIB)]).toHaveLength(2);
    expect([...segmentsOfRange(1, end, end, 16 * MIB)]).toEqual(['000000010000000000000002']);
  });
});

test('a history file is named after its timeline', () => {
  expect(historyName(1)).toBe('00000001.history');
  expect(historyName(2 ** 32 - 1)).toBe('FFFFFFFF.history');
});
