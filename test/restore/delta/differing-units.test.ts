import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hashUnits, UNIT, unitsOf } from '../../../src/repository/block-hashes.ts';
import {
  differingParts,
  differingRuns,
  DifferingUnits,
  remainingWork,
} from '../../../src/restore/delta/differing-units.ts';
import type { FrameWork, Piece } from '../../../src/restore/pieces.ts';

/** A size in bytes, and units of a file of that size. */
const sizeAndUnits = fc
  .integer({ min: 1, max: 40 * UNIT })
  .chain((size) => fc.tuple(fc.constant(size), fc.uniqueArray(fc.nat(unitsOf(size) - 1))));

function differingOf(size: number, units: readonly number[]): DifferingUnits {
  const differing = new DifferingUnits(size);
  for (const unit of units) differing.add([unit, 1]);
  return differing;
}

/** Which bytes some stretches hold, as a row of marks; fails where two of them overlap. */
function marksOf(size: number, stretches: Iterable<{ start: number; end: number }>): Buffer {
  const marks = Buffer.alloc(size);
  for (const { start, end } of stretches) {
    expect(end).toBeGreaterThan(start);
    expect(marks.subarray(start, end).every((mark) => mark === 0)).toBe(true);
    marks.fill(1, start, end);
  }
  return marks;
}

describe('the units of a copy that differ', () => {
  test('are those whose hashes do', () => {
    fc.assert(
      fc.property(sizeAndUnits, ([size, units]) => {
        const wanted = Buffer.alloc(size, 'content');
        const found = Buffer.from(wanted);
        for (const unit of units) found.writeUInt8(found.readUInt8(unit * UNIT) ^ 0xff, unit * UNIT);
        const runs = differingRuns(hashUnits(found), hashUnits(wanted));
        const listed = runs.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
        expect(listed).toEqual(units.toSorted((a, b) => a - b));
        // no two that could be one
        runs.slice(1).forEach(([first], i) => expect(first).toBeGreaterThan(runs[i]![0] + runs[i]![1]));
      }),
    );
  });

  test('tell of every byte once, however the file is cut into pieces', () => {
    fc.assert(
      fc.property(sizeAndUnits, fc.array(fc.nat(40 * UNIT)), ([size, units], cuts) => {
        const differing = differingOf(size, units);
        const places = [...new Set([0, size, ...cuts.filter((cut) => cut < size)])].sort((a, b) => a - b);
        const stretches = places.slice(1).flatMap((end, i) => [...differing.within(places[i]!, end)]);
        const expected = units.map((unit) => ({
          start: unit * UNIT,
          end: Math.min((unit + 1) * UNIT, size),
        }));
        expect(marksOf(size, stretches).equals(marksOf(size, expected))).toBe(true);
      }),
    );
  });

  test('are all from where the copy ends', () => {
    fc.assert(
      fc.property(fc.nat(40 * UNIT), fc.nat(40), (size, there) => {
        const differing = new DifferingUnits(size);
        const start = Math.min(there * UNIT, size);
        differing.addBytes(start, size);
        expect([...differing.within(0, size)]).toEqual(start < size ? [{ start, end: size }] : []);
      }),
    );
  });
});

describe('what is left to read', () => {
  const frame = { pack: 1, offset: 0, storedLength: 10, contentLength: 4 * UNIT, checksum: 0 };
  const piece = (file: number, fileOffset: number, frameOffset: number): Piece => ({
    file,
    fileOffset,
    frameOffset,
    length: 2 * UNIT,
  });
  const work: FrameWork[] = [
    { frame, pack: 'a', pieces: [piece(0, 0, 0), piece(1, 0, 2 * UNIT)] },
    { frame, pack: 'b', pieces: [piece(0, 2 * UNIT, 0)] },
  ];

  test('is everything of files that are not there', () => {
    expect(remainingWork(work, new Map())).toEqual({ work, bytes: 6 * UNIT });
  });

  test('is no frame of which nothing differs, and no piece', () => {
    const differing = new Map([
      [0, differingOf(4 * UNIT, [1])],
      [1, differingOf(2 * UNIT, [])],
    ]);
    expect(remainingWork(work, differing)).toEqual({
      work: [{ frame, pack: 'a', pieces: [piece(0, 0, 0)] }],
      bytes: UNIT,
    });
  });

  test('keeps its place in the frame', () => {
    const differing = new Map([[1, differingOf(2 * UNIT, [1])]]);
    expect([...differingParts(piece(1, 0, 2 * UNIT), differing)]).toEqual([
      { file: 1, fileOffset: UNIT, frameOffset: 3 * UNIT, length: UNIT },
    ]);
  });
});
