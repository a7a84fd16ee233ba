import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  blockRuns,
  incrementalFileOf,
  IncrementalFileReader,
  reconstructedBlocks,
  relationOfIncrementalFile,
  type IncrementalHeader,
} from '../../src/postgres/incremental-file.ts';

const SIZES = { blockSize: 512, segmentBlocks: 4096 };

/** The file as basebackup.c writes it. */
function incrementalFile(blocks: readonly number[], truncation: number, content: Buffer): Buffer {
  const header = Buffer.alloc(12 + 4 * blocks.length);
  header.writeUInt32LE(0xd3ae1f0d, 0);
  header.writeUInt32LE(blocks.length, 4);
  header.writeUInt32LE(truncation, 8);
  blocks.forEach((block, i) => header.writeUInt32LE(block, 12 + 4 * i));
  const padding =
    blocks.length === 0 ? 0 : (SIZES.blockSize - (header.length % SIZES.blockSize)) % SIZES.blockSize;
  return Buffer.concat([header, Buffer.alloc(padding), content]);
}

function read(file: Buffer, cut: number, size = file.length) {
  const found: { header?: IncrementalHeader; headerBytes: number; content: Buffer[] } = {
    headerBytes: 0,
    content: [],
  };
  const reader = new IncrementalFileReader({ path: 'base/5/INCREMENTAL.1', size }, SIZES, {
    header: (header, bytes) => {
      found.header = header;
      found.headerBytes = bytes.length;
    },
    blocks: (buffer, start, end) => found.content.push(Buffer.from(buffer.subarray(start, end))),
  });
  for (let start = 0; start < file.length; start += cut)
    reader.push(file, start, Math.min(start + cut, file.length));
  reader.finish();
  return found;
}

const blockNumbers = fc
  .uniqueArray(fc.nat(SIZES.segmentBlocks - 1), { maxLength: 300 })
  .map((list) => list.toSorted((a, b) => a - b));

describe('an incremental file', () => {
  test('gives its header and its blocks, however it is cut', () => {
    fc.assert(
      fc.property(
        blockNumbers,
        fc.nat(5000),
        fc.integer({ min: 1, max: 3000 }),
        (blocks, truncation, cut) => {
          const content = Buffer.alloc(blocks.length * SIZES.blockSize, 7);
          const file = incrementalFile(blocks, truncation, content);
          const { header, headerBytes, content: came } = read(file, cut);
          expect([...header!.blocks]).toEqual(blocks);
          // older servers name more than a segment holds
          expect(header!.truncationBlockLength).toBe(Math.min(truncation, SIZES.segmentBlocks));
          expect(headerBytes).toBe(file.length - content.length);
          expect(Buffer.concat(came).equals(content)).toBe(true);
          const last = blocks.at(-1) ?? -1;
          expect(reconstructedBlocks(header!)).toBe(
            Math.max(Math.min(truncation, SIZES.segmentBlocks), last + 1),
          );
        },
      ),
    );
  });

  test('is refused when it is none, is cut short, or its blocks are out of order or too many', () => {
    const content = Buffer.alloc(2 * SIZES.blockSize);
    const whole = incrementalFile([1, 2], 3, content);
    const other = Buffer.from(whole);
    other.writeUInt32LE(1, 0);
    const refused = expect.objectContaining({ code: 'PROTOCOL_VIOLATION' });
    expect(() => read(other, 100)).toThrow(refused);
    expect(() => read(whole.subarray(0, 300), 100, whole.length)).toThrow(refused);
    expect(() => read(whole, 100, whole.length + 512)).toThrow(refused);
    for (const blocks of [
      [2, 1],
      [1, 1],
      [1, SIZES.segmentBlocks],
    ])
      expect(() => read(incrementalFile(blocks, 3, content), 100)).toThrow(refused);
    const many = incrementalFile([], 0, Buffer.alloc(0));
    many.writeUInt32LE(SIZES.segmentBlocks + 1, 4);
    expect(() => read(many, 100)).toThrow(refused);
  });

  test('has runs of blocks that follow each other', () => {
    fc.assert(
      fc.property(blockNumbers, (blocks) => {
        const runs = [...blockRuns(Uint32Array.from(blocks))];
        const again = runs.flatMap(({ block, count }) => Array.from({ length: count }, (_, i) => block + i));
        expect(again).toEqual(blocks);
        expect(runs.map(({ index }) => blocks[index])).toEqual(runs.map(({ block }) => block));
        for (const [i, { block }] of runs.entries())
          if (i > 0) expect(block).toBeGreaterThan(runs[i - 1]!.block + runs[i - 1]!.count);
      }),
    );
  });

  test('is known by its name, where only relations lie', () => {
    for (const path of [
      'base/5/16384',
      'base/5/16384_vm',
      'global/1262.1',
      'pg_tblspc/16400/PG_17_202406281/5/2',
    ])
      expect(relationOfIncrementalFile(incrementalFileOf(path))).toBe(path);
    for (const path of [
      'INCREMENTAL.1',
      'pg_wal/INCREMENTAL.1',
      'base/5/1',
      'base/INCREMENTAL.1',
      'base/5/x/INCREMENTAL.1',
    ])
      expect(relationOfIncrementalFile(path)).toBeUndefined();
  });
});
