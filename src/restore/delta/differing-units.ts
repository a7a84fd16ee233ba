import { HASH_LENGTH, UNIT, unitsOf } from '../../repository/block-hashes.ts';
import type { FrameWork, Piece } from '../pieces.ts';

/** First unit and number of units. */
export type UnitRun = readonly [first: number, count: number];

/** Bytes [start, end) of a file. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Which units of some bytes do not have the hash that they should have, ascending, as runs.
 * @param wanted as many hashes as `found`
 */
export function differingRuns(found: Buffer, wanted: Buffer): UnitRun[] {
  const runs: [number, number][] = [];
  // in the usual case one comparison
  if (found.equals(wanted)) return runs;
  for (let unit = 0, place = 0; place < found.length; unit++, place += HASH_LENGTH) {
    if (found.compare(wanted, place, place + HASH_LENGTH, place, place + HASH_LENGTH) === 0) continue;
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === unit) last[1] += 1;
    else runs.push([unit, 1]);
  }
  return runs;
}

/** What of one file is not as the backup has it: a bit for each unit, so 16 MB for a terabyte that differs everywhere. */
export class DifferingUnits {
  readonly #size: number;
  readonly #bits: Uint8Array;

  /** @param size of the whole file as the backup has it, bytes */
  constructor(size: number) {
    this.#size = size;
    this.#bits = new Uint8Array(Math.ceil(unitsOf(size) / 8));
  }

  add([first, count]: UnitRun): void {
    for (let unit = first; unit < first + count; unit++)
      this.#bits[unit >> 3] = (this.#bits[unit >> 3] ?? 0) | (1 << (unit & 7));
  }

  /** Bytes [start, end), of which start is where a unit begins. */
  addBytes(start: number, end: number): void {
    if (start < end) this.add([start / UNIT, unitsOf(end) - start / UNIT]);
  }

  /** The stretches of bytes [start, end) that differ, ascending, apart from each other. */
  *within(start: number, end: number): Generator<Stretch, void, undefined> {
    const stop = Math.min(end, this.#size);
    let from: number | undefined;
    for (let unit = Math.floor(start / UNIT); unit * UNIT < stop; unit++) {
      if (this.#has(unit)) from ??= Math.max(start, unit * UNIT);
      else if (from !== undefined) {
        yield { start: from, end: unit * UNIT };
        from = undefined;
      }
    }
    if (from !== undefined) yield { start: from, end: stop };
  }

  /** How many bytes differ. */
  get bytes(): number {
    let bytes = 0;
    for (const { start, end } of this.within(0, this.#size)) bytes += end - start;
    return bytes;
  }

  #has(unit: number): boolean {
    return ((this.#bits[unit >> 3] ?? 0) & (1 << (unit & 7))) !== 0;
  }
}

/**
 * The frames that are still needed, each with the pieces of which anything differs; a file without an entry is needed whole.
 * @returns also how many bytes of files are to be written
 */
export function remainingWork(
  work: readonly FrameWork[],
  differing: ReadonlyMap<number, DifferingUnits>,
): { readonly work: readonly FrameWork[]; readonly bytes: number } {
  let bytes = 0;
  const lengthOf = (piece: Piece): number => {
    let length = 0;
    for (const part of differingParts(piece, differing)) length += part.length;
    return length;
  };
  const remaining = work.flatMap((frame) => {
    const pieces = frame.pieces.filter((piece) => {
      const length = lengthOf(piece);
      bytes += length;
      return length > 0;
    });
    return pieces.length === 0 ? [] : [pieces.length === frame.pieces.length ? frame : { ...frame, pieces }];
  });
  return { work: remaining, bytes };
}

/** The parts of a piece that are to be written. */
export function* differingParts(
  piece: Piece,
  differing: ReadonlyMap<number, DifferingUnits>,
): Generator<Piece, void, undefined> {
  const units = differing.get(piece.file);
  if (units === undefined) return yield piece;
  const { file, fileOffset, frameOffset, length } = piece;
  for (const { start, end } of units.within(fileOffset, fileOffset + length))
    yield {
      file,
      fileOffset: start,
      frameOffset: frameOffset + start - fileOffset,
      length: end - start,
    };
}
