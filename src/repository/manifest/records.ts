import { LarderError } from '../../errors.ts';
import { pathFromBytes, pathToBytes } from '../../postgres/path-bytes.ts';
import type { FrameReference } from '../frames/frame.ts';
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

export interface DirectoryEntry {
  readonly kind: 'directory';
  /** Relative to the data directory; tablespaces as `pg_tblspc/<oid>/…`. See postgres/path-bytes.ts. */
  readonly path: string;
  readonly mode: number;
}

export interface FileEntry {
  readonly kind: 'file';
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** CRC-32C of the whole content. */
  readonly checksum: number;
  readonly extents: readonly Extent[];
}

export interface FramesRecord {
  readonly kind: 'frames';
  readonly frames: readonly FrameReference[];
}

/** Further extents of the file before it, so that no record outgrows memory. */
interface MoreExtents {
  readonly kind: 'extents';
  readonly extents: readonly Extent[];
}

/** Closes the manifest; a list that was cut short lacks it, or disagrees with it. */
export interface ManifestTotals {
  readonly kind: 'end';
  readonly files: number;
  readonly directories: number;
  readonly frames: number;
  /** Sum of all file sizes. */
  readonly bytes: number;
}

export type ManifestRecord = DirectoryEntry | FileEntry | FramesRecord | MoreExtents | ManifestTotals;

const TYPE = { end: 0, frames: 1, directory: 2, file: 3, extents: 4 } as const;
export const EXTENTS_PER_RECORD = 4096;
export const FRAMES_PER_RECORD = 4096;

/** One record: a type byte (as a varint) and its fields, in the order written here. */
export function encodeRecord(record: ManifestRecord): Buffer {
  const out = new ByteWriter().varint(TYPE[record.kind]);
  switch (record.kind) {
    case 'directory':
      return out.bytes(pathToBytes(record.path)).varint(record.mode).take();
    case 'file':
      out.bytes(pathToBytes(record.path)).varint(record.size).varint(record.mode).varint(record.modified);
      writeExtents(out.uint32(record.checksum), record.extents);
      return out.take();
    case 'extents':
      writeExtents(out, record.extents);
      return out.take();
    case 'frames':
      writeFrames(out, record.frames);
      return out.take();
    case 'end':
      return out
        .varint(record.files)
        .varint(record.directories)
        .varint(record.frames)
        .varint(record.bytes)
        .take();
  }
}

/** @throws LarderError OBJECT_DAMAGED */
export function decodeRecord(bytes: Buffer): ManifestRecord {
  const reader = new ByteReader(bytes);
  const record = readRecord(reader);
  reader.end();
  return record;
}

function readRecord(reader: ByteReader): ManifestRecord {
  const type = reader.varint();
  switch (type) {
    case TYPE.directory:
      return { kind: 'directory', path: pathFromBytes(reader.bytes()), mode: reader.varint() };
    case TYPE.file:
      return {
        kind: 'file',
        path: pathFromBytes(reader.bytes()),
        size: reader.varint(),
        mode: reader.varint(),
        modified: reader.varint(),
        checksum: reader.uint32(),
        extents: readExtents(reader),
      };
    case TYPE.extents:
      return { kind: 'extents', extents: readExtents(reader) };
    case TYPE.frames:
      return { kind: 'frames', frames: readFrames(reader) };
    case TYPE.end:
      return {
        kind: 'end',
        files: reader.varint(),
        directories: reader.varint(),
        frames: reader.varint(),
        bytes: reader.varint(),
      };
    default:
      throw new LarderError('OBJECT_DAMAGED', `the manifest has a record of unknown type ${type}`);
  }
}

/** Count; then for each: gap since the last one's end, length, frame less the last one's, offset in the frame. */
function writeExtents(out: ByteWriter, extents: readonly Extent[]): void {
  out.varint(extents.length);
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
}

function readExtents(reader: ByteReader): Extent[] {
  const extents: Extent[] = [];
  let end = 0;
  let frame = 0;
  for (let count = reader.varint(); count > 0; count--) {
    const fileOffset = end + reader.varint();
    const length = reader.varint();
    frame += reader.signed();
    extents.push({ fileOffset, length, frame, frameOffset: reader.varint() });
    end = fileOffset + length;
  }
  return extents;
}

/** Count; then for each: pack and offset less the last one's, stored and content length, checksum. */
function writeFrames(out: ByteWriter, frames: readonly FrameReference[]): void {
  out.varint(frames.length);
  let pack = 0;
  let offset = 0;
  for (const frame of frames) {
    out.signed(frame.pack - pack).signed(frame.offset - offset);
    out.varint(frame.storedLength).varint(frame.contentLength).uint32(frame.checksum);
    pack = frame.pack;
    offset = frame.offset;
  }
}

function readFrames(reader: ByteReader): FrameReference[] {
  const frames: FrameReference[] = [];
  let pack = 0;
  let offset = 0;
  for (let count = reader.varint(); count > 0; count--) {
    pack += reader.signed();
    offset += reader.signed();
    frames.push({
      pack,
      offset,
      storedLength: reader.varint(),
      contentLength: reader.varint(),
      checksum: reader.uint32(),
    });
  }
  return frames;
}
