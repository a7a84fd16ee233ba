import { UNIT, unitsOf } from '../../repository/block-hashes.ts';
import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import { filePieces, type Piece } from '../pieces.ts';
import { DifferingUnits } from './differing-units.ts';

/** A backup's frames, told apart from those of others: by the backup that made them, and where they lie. */
export class FrameIdentities {
  readonly manifest: Manifest;
  /** Index into the chain, by frame. */
  readonly #members: Uint16Array;

  constructor(manifest: Manifest) {
    this.manifest = manifest;
    this.#members = new Uint16Array(manifest.frames.length);
    let begin = 0;
    manifest.chain.forEach(({ frames }, member) => {
      this.#members.fill(member, begin, begin + frames);
      begin += frames;
    });
  }

  /** Packs are written once and never again, so the same place holds the same bytes; the checksum is a second net. */
  isSame(frame: number, other: FrameIdentities, theirs: number): boolean {
    const [one, two] = [this.manifest.frames[frame], other.manifest.frames[theirs]];
    return (
      one !== undefined &&
      two !== undefined &&
      this.#member(frame) === other.#member(theirs) &&
      one.pack === two.pack &&
      one.offset === two.offset &&
      one.contentLength === two.contentLength &&
      one.checksum === two.checksum
    );
  }

  /** The pieces of a file, ascending. */
  pieces(file: number): Iterator<FramePiece, void> {
    const entry = this.manifest.files[file];
    return entry === undefined ? [].values() : filePieces(entry, file, this.manifest.frames);
  }

  #member(frame: number): string | undefined {
    return this.manifest.chain[this.#members[frame] ?? 0]?.id;
  }
}

interface FramePiece {
  readonly frame: number;
  readonly piece: Piece;
}

/**
 * What of a file may differ between two backups: all that does not lie in the same bytes of the same frames. Pure.
 * @param before the file's index in the one
 * @param after in the other, which has every byte of it
 */
export function differingByFrames(
  one: FrameIdentities,
  before: number,
  other: FrameIdentities,
  after: number,
): DifferingUnits {
  const differing = new DifferingUnits(other.manifest.files[after]?.size ?? 0);
  const earlier = one.pieces(before);
  const later = other.pieces(after);
  let old = earlier.next();
  for (let next = later.next(); next.done !== true; next = later.next()) {
    let { fileOffset: done } = next.value.piece;
    const end = done + next.value.piece.length;
    while (old.done !== true && old.value.piece.fileOffset < end) {
      const { fileOffset, length } = old.value.piece;
      const [from, until] = [Math.max(done, fileOffset), Math.min(end, fileOffset + length)];
      if (from < until) {
        addTouched(differing, done, from);
        if (!isSameStretch(one, old.value, other, next.value)) addTouched(differing, from, until);
        done = until;
      }
      if (fileOffset + length > end) break;
      old = earlier.next();
    }
    addTouched(differing, done, end);
  }
  return differing;
}

function isSameStretch(one: FrameIdentities, a: FramePiece, other: FrameIdentities, b: FramePiece): boolean {
  const isAtSamePlace = a.piece.frameOffset - a.piece.fileOffset === b.piece.frameOffset - b.piece.fileOffset;
  return isAtSamePlace && one.isSame(a.frame, other, b.frame);
}

/** Every unit that bytes [start, end) touch. */
function addTouched(differing: DifferingUnits, start: number, end: number): void {
  const first = Math.floor(start / UNIT);
  if (start < end) differing.add([first, unitsOf(end) - first]);
}
