import { LarderError } from '../../errors.ts';
import { ByteReader, ByteWriter } from './byte-codec.ts';

/**
 * A stretch of a file's bytes and where they lie: in frame `frame` from `frameOffset` on, going on at the beginning of
 * the frames that follow it by number, until `length` is reached. Bytes of a file that no extent covers are zero.
 */
export interface Extent {
  readonly fileOffset: number;
  readonly length: number;
  /** Index into the manifest's frames. */
  readonly frame: number;
  readonly frameOffset: number;
}

/** No record, and so nothing that has to be in memory in one piece, holds more. */
export const EXTENTS_PER_RECORD = 4096;

/**
 * The extents of one file, ascending, kept as the bytes that the manifest stores: about five bytes each instead of the
 * sixty of an object, so that a file of hundreds of gigabytes with changes all over it fits into memory.
 *
 * Each part is a count, then for each extent: gap since the last one's end, length, frame less the last one's, offset in
 * the frame.
 */
export class ExtentList implements Iterable<Extent> {
  /** Nearly always one: an array for each of a hundred thousand files would take more than what it holds. */
  readonly held: Buffer | readonly Buffer[];

  /** @param parts as `parts` gave them; their bytes are not checked before they are read */
  constructor(parts: readonly Buffer[]) {
    const [only, more] = parts;
    this.held = only === undefined || more !== undefined ? parts : only;
  }

  get parts(): readonly Buffer[] {
    return Buffer.isBuffer(this.held) ? [this.held] : this.held;
  }

  static of(extents: Iterable<Extent>): ExtentList {
    if (extents instanceof ExtentList) return extents;
    const parts: Buffer[] = [];
    let group: Extent[] = [];
    for (const extent of extents) {
      group.push(extent);
      if (group.length < EXTENTS_PER_RECORD) continue;
      parts.push(encodePart(group));
      group = [];
    }
    if (group.length > 0) parts.push(encodePart(group));
    return new ExtentList(parts);
  }

  /** @throws LarderError OBJECT_DAMAGED where the bytes are no extents */
  *[Symbol.iterator](): Generator<Extent, void, undefined> {
    for (const part of this.parts) yield* decodePart(part);
  }
}

function encodePart(extents: readonly Extent[]): Buffer {
  const out = new ByteWriter().varint(extents.length);
  let end = 0;
  let frame = 0;
  for (const extent of extents) {
    out
      .varint(extent.fileOffset - end)
      .varint(extent.length)
      .signed(extent.frame - frame)
      .varint(extent.frameOffset);
    end = extent.fileOffset + extent.length;
    frame = extent.frame;
  }
  return out.take();
}

function* decodePart(part: Buffer): Generator<Extent, void, undefined> {
  const reader = new ByteReader(part);
  const count = reader.varint();
  // one that claims more than a record ever holds would be read for ever
  if (count > EXTENTS_PER_RECORD) throw new LarderError('OBJECT_DAMAGED', 'a record holds too many extents');
  let end = 0;
  let frame = 0;
  for (let i = 0; i < count; i++) {
    const fileOffset = end + reader.varint();
    const length = reader.varint();
    frame += reader.signed();
    yield { fileOffset, length, frame, frameOffset: reader.varint() };
    end = fileOffset + length;
  }
  reader.end();
}
