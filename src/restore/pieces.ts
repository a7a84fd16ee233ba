import { LarderError } from '../errors.ts';
import type { FrameReference } from '../repository/frames/frame.ts';
import { packName } from '../repository/layout.ts';
import type { Manifest } from '../repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../repository/manifest/records.ts';

/** A part of one frame that belongs to one file. */
export interface Piece {
  /** Index into the manifest's files. */
  readonly file: number;
  readonly fileOffset: number;
  readonly frameOffset: number;
  readonly length: number;
}

/** A frame to read once, and everything to take from it. */
export interface FrameWork {
  readonly frame: FrameReference;
  /** The object it lies in. */
  readonly pack: string;
  readonly pieces: readonly Piece[];
}

/**
 * Which bytes of which frames make up the files that `wanted` accepts: each needed frame once, in the order in which the
 * packs hold them, whatever the order of the files (docs/design.md, invariant 6).
 * @throws LarderError OBJECT_DAMAGED when the frames do not cover a file
 */
export function frameWork(manifest: Manifest, wanted: (file: FileEntry) => boolean): FrameWork[] {
  const piecesOf = new Map<number, Piece[]>();
  manifest.files.forEach((file, index) => {
    if (!wanted(file)) return;
    for (const { frame, piece } of filePieces(file, index, manifest.frames)) {
      const pieces = piecesOf.get(frame);
      if (pieces === undefined) piecesOf.set(frame, [piece]);
      else pieces.push(piece);
    }
  });
  return [...memberFrames(manifest, piecesOf.keys())].map(({ number, frame, pack }) => ({
    frame,
    pack,
    pieces: piecesOf.get(number) ?? [],
  }));
}

/** Frames by their numbers, in the order of the chain and of the packs, with the object each lies in. */
function* memberFrames(
  { chain, frames }: Manifest,
  numbers: Iterable<number>,
): Generator<{ number: number; frame: FrameReference; pack: string }> {
  const ascending = Uint32Array.from(numbers).sort();
  let [next, begin] = [0, 0];
  for (const { id, frames: count } of chain) {
    const first = next;
    while (next < ascending.length && (ascending[next] ?? 0) < begin + count) next += 1;
    begin += count;
    const found = [...ascending.subarray(first, next)].flatMap((number) => {
      const frame = frames[number];
      return frame === undefined ? [] : [{ number, frame, pack: packName(id, frame.pack) }];
    });
    yield* found.sort((a, b) => a.frame.pack - b.frame.pack || a.frame.offset - b.frame.offset);
  }
}

/**
 * The pieces of one file, in file order: an extent goes on through the frames that follow its first one.
 * @throws LarderError OBJECT_DAMAGED when the frames do not cover it
 */
export function* filePieces(
  file: FileEntry,
  index: number,
  frames: readonly FrameReference[],
): Generator<{ frame: number; piece: Piece }, void, undefined> {
  for (const extent of file.extents) {
    let { frame, frameOffset, fileOffset } = extent;
    const end = extent.fileOffset + extent.length;
    while (fileOffset < end) {
      const available = (frames[frame]?.contentLength ?? 0) - frameOffset;
      if (available <= 0)
        throw new LarderError('OBJECT_DAMAGED', `the manifest names no frame for a part of ${file.path}`);
      const length = Math.min(available, end - fileOffset);
      yield { frame, piece: { file: index, fileOffset, frameOffset, length } };
      fileOffset += length;
      frame += 1;
      frameOffset = 0;
    }
  }
}
