import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WalRecordReader, type WalEnd, type WalRecordReaderOptions } from '../../src/postgres/wal-records.ts';
import type { WalRecord } from '../../src/postgres/wal-record.ts';
import { arbitraryWalLog } from '../support/arbitrary-wal-log.ts';
import { chunkSizes, pushChunks } from '../support/chunks.ts';
import { WalLog, type WrittenRecord } from '../support/wal-log.ts';

/** Small pages and segments, so that few records meet many of them; and across the first 4 GiB. */
const small = { start: 2n ** 32n - 8192n, segmentSize: 4096, blockSize: 1024 };
const usual = { start: 0x3_0000_0000n, segmentSize: 65_536, blockSize: 8192 };

/** As text: bytes are compared a thousand times faster that way. */
type Copied = Omit<WrittenRecord, 'from' | 'stop' | 'bytes'> & { readonly bytes: string };

function copyOf({ start, end, resourceManager, info, transaction, bytes }: WalRecord): Copied {
  return { start, end, resourceManager, info, transaction, bytes: bytes.toString('latin1') };
}

interface Reading {
  readonly records: Copied[];
  readonly end: WalEnd;
  readonly last: { start: bigint; end: bigint } | undefined;
}

function read(bytes: Buffer, options: Partial<WalRecordReaderOptions> = {}, sizes = [1_000_000]): Reading {
  const reader = new WalRecordReader({ ...small, check: 'crc', ...options });
  const records: Copied[] = [];
  pushChunks(bytes, sizes, (buffer, from, to) => {
    for (const record of reader.push(buffer.subarray(from, to))) records.push(copyOf(record));
  });
  return { records, end: reader.end, last: reader.last };
}

function expected(records: readonly WrittenRecord[]): Copied[] {
  return records.map(copyOf);
}

function place(record: WrittenRecord | undefined) {
  return record === undefined ? undefined : { start: record.start, end: record.end };
}

function changed(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

describe('the records of a log', () => {
  test.each([
    ['small', small],
    ['usual', usual],
  ])('are read the same from pieces of any size (%s pages)', (_, options) => {
    fc.assert(
      fc.property(arbitraryWalLog(options), chunkSizes, (log, sizes) => {
        const whole = read(log.bytes, options);
        expect(whole.records).toEqual(expected(log.records));
        expect(whole.last).toEqual(place(log.records.at(-1)));
        expect(whole.end).toEqual({ position: log.records.at(-1)!.end, reason: 'out of bytes' });
        expect(read(log.bytes, options, sizes)).toEqual(whole);
        expect(read(log.bytes, { ...options, check: 'headers' }, sizes)).toEqual(whole);
      }),
    );
  });

  test('are read from any page on, after the rest of the record that began before it', () => {
    fc.assert(
      fc.property(arbitraryWalLog(usual), fc.nat(), chunkSizes, (log, turn, sizes) => {
        const pages = Math.ceil(log.bytes.length / usual.blockSize);
        const from = (turn % pages) * usual.blockSize;
        const start = usual.start + BigInt(from);
        const { records, end } = read(log.bytes.subarray(from), { ...usual, start }, sizes);
        const later = log.records.filter((record) => record.start >= start);
        if (log.bytes.readUInt16LE(from) === 0) expect(end).toEqual({ position: start, reason: 'zeros' });
        else expect(records).toEqual(expected(later));
      }),
    );
  });

  test('end before the one in which a byte is wrong', () => {
    fc.assert(
      fc.property(arbitraryWalLog(small), fc.nat(), fc.nat(), (log, turn, byte) => {
        const index = turn % log.records.length;
        const record = log.records[index]!;
        const at = byte % record.bytes.length;
        const bytes = changed(log.bytes, (copy) => {
          const offset = offsetInLog(record, at);
          copy.writeUInt8(copy.readUInt8(offset) ^ (1 << (byte % 8)), offset);
        });
        const { records, end, last } = read(bytes);
        expect(records).toEqual(expected(log.records.slice(0, index)));
        expect(last).toEqual(place(log.records[index - 1]));
        expect(end.position).toBe(record.from);
        // with a greater length it may be one that goes on behind the end
        if (at >= 4) expect(end.reason).toBe('invalid');
      }),
      { numRuns: 500 },
    );
  });

  test('end with the last complete one wherever the log is cut off', () => {
    fc.assert(
      fc.property(arbitraryWalLog(small), fc.nat(), chunkSizes, (log, turn, sizes) => {
        const length = turn % (log.bytes.length + 1);
        const cut = small.start + BigInt(length);
        const { records, end, last } = read(log.bytes.subarray(0, length), {}, sizes);
        const complete = log.records.filter((record) => record.stop <= cut);
        const unfinished = log.records.find((record) => record.start < cut && record.stop > cut);
        expect(records).toEqual(expected(complete));
        expect(last).toEqual(place(complete.at(-1)));
        expect(end.reason).toBe('out of bytes');
        expect(end.position).toBeGreaterThanOrEqual(last?.end ?? small.start);
        expect(end.position).toBeLessThan(cut + 8n);
        if (unfinished !== undefined) expect(end.position).toBe(unfinished.from);
      }),
      { numRuns: 500 },
    );
  });

  test('end where zeros begin, and no zero is ever taken for a part of one', () => {
    fc.assert(
      fc.property(arbitraryWalLog(small), fc.nat(), fc.boolean(), chunkSizes, (log, turn, between, sizes) => {
        const length = between
          ? Number(log.records[turn % log.records.length]!.end - small.start)
          : turn % log.bytes.length;
        log.addZeros(2 * small.segmentSize);
        const bytes = changed(log.bytes, (copy) => copy.fill(0, length));
        const whole = log.records.filter(({ stop }) => {
          const to = Number(stop - small.start);
          return to <= length || log.bytes.subarray(length, to).every((byte) => byte === 0);
        });
        const { records, end } = read(bytes, {}, sizes);
        expect(records).toEqual(expected(whole));
        expect(['zeros', 'invalid']).toContain(end.reason);
        if (between) expect(end.reason).toBe('zeros');
        const torn = log.records[whole.length];
        if (torn !== undefined && torn.start < small.start + BigInt(length))
          expect(end.position).toBe(torn.from);
      }),
      { numRuns: 500 },
    );
  });
});

/** Where the byte `at` of a record lies in the small log, page headers counted. */
function offsetInLog(record: WrittenRecord, at: number): number {
  let offset = Number(record.start - small.start);
  for (let left = at; ;) {
    const room = small.blockSize - (offset % small.blockSize);
    if (left < room) return offset + left;
    left -= room;
    offset += room;
    offset += offset % small.segmentSize === 0 ? 40 : 24;
  }
}

const content = { resourceManager: 1, info: 0, transaction: 5 };

/** Three records: the first over the first three pages, the second up to the fifth, which begins a segment. */
function threeRecords(): WalLog {
  const log = new WalLog(small);
  for (const [fill, length] of [2800, 2000, 10].entries())
    log.add({ ...content, data: Buffer.alloc(length, fill + 1) });
  return log;
}

describe('a page', () => {
  const second = 1024;
  const segment = 4096;

  test.each<[string, number, (bytes: Buffer) => void, string]>([
    ['another magic number', 0, (b) => b.writeUInt16LE(0xd113, second), 'has the magic number d113'],
    ['flags that nobody sets', 0, (b) => b.writeUInt16LE(0x11, second + 2), 'has unknown flags (11)'],
    ['an earlier timeline', 0, (b) => b.writeUInt32LE(0, second + 4), 'is of timeline 0, before it was 1'],
    [
      'the address of another place',
      0,
      (b) => b.writeBigUInt64LE(small.start, second + 8),
      'says it is the page at 0/FFFFE000',
    ],
    [
      'another length of what continues',
      0,
      (b) => b.writeUInt32LE(4, second + 16),
      'begins with 4 bytes of an earlier record, not with 1840',
    ],
    ['nothing that continues', 0, (b) => b.writeUInt16LE(0, second + 2), 'begins with 0 bytes'],
    [
      'the long header of a segment',
      0,
      (b) => b.writeUInt16LE(3, second + 2),
      'is no first page of a segment',
    ],
    ['a short header in a segment’s first', 1, (b) => b.writeUInt16LE(1, segment + 2), 'does not begin'],
    ['another cluster', 1, (b) => b.writeUInt8(0, segment + 24), 'belongs to system'],
    ['another segment size', 1, (b) => b.writeUInt32LE(8192, segment + 32), 'its segment has 8192 bytes'],
    ['another length of pages', 1, (b) => b.writeUInt32LE(8192, segment + 36), 'says it has 8192 bytes'],
  ])('with %s ends the log', (_, complete, change, detail) => {
    const log = threeRecords();
    const { end, records } = read(changed(log.bytes, change), { check: 'headers' });
    expect(records).toHaveLength(complete);
    expect(end).toEqual({
      position: log.records[complete]!.start,
      reason: 'invalid',
      detail: expect.stringContaining(detail),
    });
  });

  test.each([0, 1500, 512, 128 * 1024])('of %i bytes is none', (length) => {
    const bytes = changed(threeRecords().bytes, (copy) => copy.writeUInt32LE(length, 36));
    const detail = `the page at 0/FFFFE000 says it has ${length} bytes`;
    expect(read(bytes).end).toEqual({ position: small.start, reason: 'invalid', detail });
  });

  test('that continues a record where none is unfinished ends the log', () => {
    const log = new WalLog(small);
    log.add({ ...content, data: Buffer.alloc(1024 - 40 - 24) });
    log.add({ ...content, data: Buffer.alloc(100) });
    const bytes = changed(log.bytes, (copy) => {
      copy.writeUInt16LE(1, 1024 + 2);
      copy.writeUInt32LE(8, 1024 + 16);
    });
    const { end, records } = read(bytes);
    expect(records).toHaveLength(1);
    expect(end).toMatchObject({ position: small.start + 1024n, reason: 'invalid' });
  });

  test('has the magic number of its server’s version', () => {
    const { bytes } = threeRecords();
    expect(read(bytes, { major: 17 }).records).toHaveLength(3);
    expect(read(bytes, { major: 19 }).records).toHaveLength(3);
    expect(read(bytes, { major: 18 }).end).toMatchObject({ position: small.start, reason: 'invalid' });
  });
});

describe('what is no record', () => {
  test.each([
    [1, 'says it has 1 bytes'],
    [23, 'says it has 23 bytes'],
    [0, 'says it has 0 bytes'],
    [2 ** 30, 'says it has 1073741824 bytes'],
    [0xffffffff, 'says it has 4294967295 bytes'],
  ])('is told by a length of %i', (length, detail) => {
    const log = threeRecords();
    const { start } = log.records[2]!;
    const bytes = changed(log.bytes, (copy) => copy.writeUInt32LE(length, Number(start - small.start)));
    const { end, records } = read(bytes, { check: 'headers' });
    expect(records).toHaveLength(2);
    expect(end).toEqual({ position: start, reason: 'invalid', detail: expect.stringContaining(detail) });
  });

  test('is told by its link to the record before it, also without checksums', () => {
    const log = threeRecords();
    // of the first one only so much is known that the one before it is earlier
    const halves = [
      [0, 12],
      [1, 8],
      [1, 12],
      [2, 8],
      [2, 12],
    ] as const;
    for (const [index, half] of halves) {
      const { start } = log.records[index]!;
      const bytes = changed(log.bytes, (copy) => copy.writeUInt8(0x77, Number(start - small.start) + half));
      const { end, records } = read(bytes, { check: 'headers' });
      expect(records).toHaveLength(index);
      expect(end).toMatchObject({ position: start, reason: 'invalid' });
    }
  });

  test('ends the reading for good', () => {
    const log = threeRecords();
    const reader = new WalRecordReader({ ...small, check: 'crc' });
    const bytes = changed(log.bytes, (copy) => copy.writeUInt8(0x77, 500));
    expect([...reader.push(bytes)]).toEqual([]);
    const { ended } = reader;
    expect(ended).toEqual({
      position: small.start + 40n,
      reason: 'invalid',
      detail: 'the record at 0/FFFFE028 does not match its checksum',
    });
    expect([...reader.push(log.bytes)]).toEqual([]);
    expect(reader.ended).toBe(ended);
  });
});

describe('a reader', () => {
  test('has ended nowhere while it only lacks bytes', () => {
    const reader = new WalRecordReader({ ...small, check: 'crc' });
    expect(reader.end).toEqual({ position: small.start, reason: 'out of bytes' });
    expect([...reader.push(threeRecords().bytes.subarray(0, 2000))]).toEqual([]);
    expect(reader.ended).toBeUndefined();
    expect(reader.last).toBeUndefined();
  });

  test('vouches for nothing of a record that began before it', () => {
    const log = new WalLog(usual);
    log.add({ ...content, data: Buffer.alloc(30_000, 1) });
    const start = usual.start + 8192n;
    const rest = log.bytes.subarray(8192);
    const whole = read(rest, { ...usual, start }).end;
    expect(whole).toEqual({ position: log.records[0]!.end, reason: 'out of bytes' });
    const cut = read(rest.subarray(0, -8), { ...usual, start }).end;
    expect(cut).toEqual({ position: start, reason: 'out of bytes' });
    const emptied = changed(rest, (copy) => copy.fill(0, 8192));
    expect(read(emptied, { ...usual, start }).end).toEqual({ position: start, reason: 'zeros' });
  });

  test('passes over what is left of a piece when one stops iterating, and goes on with the next', () => {
    const log = new WalLog(small);
    for (let fill = 1; fill <= 100; fill++) log.add({ ...content, data: Buffer.alloc(60, fill) });
    const reader = new WalRecordReader({ ...small, check: 'crc' });
    for (const record of reader.push(log.bytes.subarray(0, 3000))) {
      expect(record.start).toBe(log.records[0]!.start);
      break;
    }
    const later = Array.from(reader.push(log.bytes.subarray(3000)), copyOf);
    const cut = small.start + 3000n;
    expect(later).toEqual(expected(log.records.filter(({ stop }) => stop > cut)));
  });

  test('gives a record inside a page as a part of the piece, without copying it', () => {
    const log = threeRecords();
    const reader = new WalRecordReader({ ...small, check: 'crc' });
    const buffers = Array.from(reader.push(log.bytes), (record) => record.bytes.buffer === log.bytes.buffer);
    expect(buffers).toEqual([false, false, true]);
  });

  test('puts a record of many megabytes together', () => {
    const large = { start: 0n, segmentSize: 1024 * 1024, blockSize: 8192 };
    const log = new WalLog(large);
    log.add({ ...content, data: Buffer.alloc(5_000_000, 'larder') });
    log.add({ ...content, data: Buffer.alloc(5) });
    expect(read(log.bytes, large, [100_000]).records).toEqual(expected(log.records));
  });
});
