import { LarderError } from '../../errors.ts';
import { pathFromBytes, pathToBytes } from '../../postgres/path-bytes.ts';
import type { FrameReference } from '../frames/frame.ts';
import { ByteReader, ByteWriter } from './byte-codec.ts';
import { ExtentList, type Extent } from './extents.ts';

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
  /** CRC-32C of the whole content; undefined where the server sent changed blocks only, so that nobody saw the whole. */
  readonly checksum: number | undefined;
  /** Where the hashes of its block units lie; undefined where none were made. */
  readonly hashes?: HashLocation | undefined;
  /** Ascending. */
  readonly extents: Iterable<Extent>;
}

/**
 * One hash for each unit of a file, one behind the other (`block-hashes.ts`), in an object of a backup of the chain. The
 * list has no checksum: a damaged hash is not found again in any content, so its unit is only stored once more.
 */
export interface HashLocation {
  /** Index into the manifest's chain. */
  readonly member: number;
  /** From the beginning of the object, bytes. */
  readonly offset: number;
}

/** A backup that frames of this manifest lie in. */
export interface ChainMember {
  readonly id: string;
  /** How many: the members' frames follow each other, in the order of the members. */
  readonly frames: number;
}

/** The backups of an incremental one's chain, the full one first, itself last. Stands before everything else. */
interface ChainRecord {
  readonly kind: 'chain';
  readonly members: readonly ChainMember[];
}

export interface FramesRecord {
  readonly kind: 'frames';
  readonly frames: readonly FrameReference[];
}

/** Further extents of the file before it, so that no record outgrows memory. */
interface MoreExtents {
  readonly kind: 'extents';
  readonly extents: ExtentList;
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

export type ManifestRecord =
  ChainRecord | DirectoryEntry | FileEntry | FramesRecord | MoreExtents | ManifestTotals;

/** `wholeFile` is what format version 1 wrote: always with a checksum, never with hashes. */
const TYPE = { end: 0, frames: 1, directory: 2, wholeFile: 3, extents: 4, chain: 5, file: 6 } as const;
const HAS = { checksum: 1, hashes: 2 } as const;
export const FRAMES_PER_RECORD = 4096;
const LONGEST_CHAIN = 1000;

/** One record: a type byte (as a varint) and its fields, in the order written here. */
export function encodeRecord(record: ManifestRecord): Buffer {
  const out = new ByteWriter().varint(TYPE[record.kind]);
  switch (record.kind) {
    case 'chain':
      out.varint(record.members.length);
      for (const { id, frames } of record.members) out.bytes(Buffer.from(id)).varint(frames);
      return out.take();
    case 'directory':
      return out.bytes(pathToBytes(record.path)).varint(record.mode).take();
    case 'file':
      writeFile(out, record);
      return withExtents(out.take(), record.extents);
    case 'extents':
      return withExtents(out.take(), record.extents);
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
    case TYPE.chain:
      return { kind: 'chain', members: readMembers(reader) };
    case TYPE.directory:
      return { kind: 'directory', path: pathFromBytes(reader.bytes()), mode: reader.varint() };
    case TYPE.wholeFile:
      return { ...readFile(reader), checksum: reader.uint32(), extents: readExtents(reader) };
    case TYPE.file:
      return { ...readFile(reader), ...readChecks(reader), extents: readExtents(reader) };
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

/** Count; then for each its id and how many frames lie in it. */
function readMembers(reader: ByteReader): ChainMember[] {
  const count = reader.varint();
  if (count > LONGEST_CHAIN) throw new LarderError('OBJECT_DAMAGED', 'the manifest names too long a chain');
  return Array.from({ length: count }, () => ({
    id: reader.bytes().toString('utf8'),
    frames: reader.varint(),
  }));
}

/** Path, size, mode, time; flags; the checksum and the place of the hashes, where the flags say so. */
function writeFile(out: ByteWriter, { path, size, mode, modified, checksum, hashes }: FileEntry): void {
  out.bytes(pathToBytes(path)).varint(size).varint(mode).varint(modified);
  out.varint((checksum === undefined ? 0 : HAS.checksum) + (hashes === undefined ? 0 : HAS.hashes));
  if (checksum !== undefined) out.uint32(checksum);
  if (hashes !== undefined) out.varint(hashes.member).varint(hashes.offset);
}

function readFile(reader: ByteReader): Pick<FileEntry, 'kind' | 'path' | 'size' | 'mode' | 'modified'> {
  return {
    kind: 'file',
    path: pathFromBytes(reader.bytes()),
    size: reader.varint(),
    mode: reader.varint(),
    modified: reader.varint(),
  };
}

function readChecks(reader: ByteReader): Pick<FileEntry, 'checksum' | 'hashes'> {
  const flags = reader.varint();
  if (flags > HAS.checksum + HAS.hashes)
    throw new LarderError('OBJECT_DAMAGED', 'the manifest has a file with unknown flags');
  const checksum = flags % 2 === 1 ? reader.uint32() : undefined;
  if (flags < HAS.hashes) return { checksum };
  return { checksum, hashes: { member: reader.varint(), offset: reader.varint() } };
}

/** @throws LarderError OBJECT_DAMAGED where the rest of the record is no list of extents */
function readExtents(reader: ByteReader): ExtentList {
  const extents = new ExtentList([reader.rest()]);
  const all = extents[Symbol.iterator]();
  while (all.next().done !== true);
  return extents;
}

/** The first part belongs to the record; the rest follow in records of their own (`fileRecords`). */
function withExtents(record: Buffer, extents: Iterable<Extent>): Buffer {
  const [first = Buffer.from([0]), more] = ExtentList.of(extents).parts;
  if (more !== undefined) throw new LarderError('INTERNAL', 'a record of a manifest with too many extents');
  return Buffer.concat([record, first]);
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
