import { LarderError } from '../../errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { FrameReference } from '../frames/frame.ts';
import { readFramedObject } from '../frames/framed-object.ts';
import { assertEntryPath } from './entry-path.ts';
import {
  decodeRecord,
  type DirectoryEntry,
  type Extent,
  type FileEntry,
  type ManifestRecord,
} from './records.ts';

/** A manifest in memory. */
export interface Manifest {
  readonly frames: readonly FrameReference[];
  readonly files: readonly FileEntry[];
  readonly directories: readonly DirectoryEntry[];
  /** Sum of all file sizes. */
  readonly bytes: number;
}

/**
 * Reads a whole manifest and checks it against its own totals and bounds: every extent lies inside its file and inside
 * frames that exist.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED
 */
export async function readManifest(store: ObjectStore, name: string): Promise<Manifest> {
  const collector = new ManifestCollector(name);
  let rest: Buffer = Buffer.alloc(0);
  for await (const content of readFramedObject(store, name, 'manifest')) {
    rest = takeRecords(Buffer.concat([rest, content]), (record) => collector.add(record));
  }
  if (rest.length > 0) throw damaged(name, 'it ends in the middle of a record');
  return collector.finish();
}

/** Hands out all whole records; returns the bytes of the one that is not whole yet. */
export function takeRecords(bytes: Buffer, onRecord: (record: ManifestRecord) => void): Buffer {
  let position = 0;
  for (;;) {
    const length = readLength(bytes, position);
    if (length === undefined || length.end + length.value > bytes.length) return bytes.subarray(position);
    onRecord(decodeRecord(bytes.subarray(length.end, length.end + length.value)));
    position = length.end + length.value;
  }
}

/** A record's length; `undefined` while its bytes are not all there. */
function readLength(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let position = start; position < bytes.length && position < start + 5; position++) {
    const byte = bytes.readUInt8(position);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: position + 1 };
    factor *= 0x80;
  }
  return undefined;
}

class ManifestCollector {
  readonly #name: string;
  readonly #frames: FrameReference[] = [];
  readonly #files: FileEntry[] = [];
  readonly #directories: DirectoryEntry[] = [];
  #ended = false;
  #bytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  add(record: ManifestRecord): void {
    if (this.#ended) throw damaged(this.#name, 'it goes on after its end');
    switch (record.kind) {
      case 'frames':
        for (const frame of record.frames) this.#frames.push(frame);
        return;
      case 'directory':
        assertEntryPath(record.path, this.#name);
        this.#directories.push(record);
        return;
      case 'file':
        assertEntryPath(record.path, this.#name);
        this.#files.push(record);
        this.#bytes += record.size;
        return this.#checkExtents(record.size, record.extents);
      case 'extents':
        return this.#addExtents(record.extents);
      case 'end':
        this.#ended =
          record.files === this.#files.length &&
          record.directories === this.#directories.length &&
          record.frames === this.#frames.length &&
          record.bytes === this.#bytes;
        if (!this.#ended) throw damaged(this.#name, 'its totals do not agree with its entries');
    }
  }

  finish(): Manifest {
    if (!this.#ended) throw damaged(this.#name, 'it has no end');
    return { frames: this.#frames, files: this.#files, directories: this.#directories, bytes: this.#bytes };
  }

  #addExtents(extents: readonly Extent[]): void {
    const file = this.#files.pop();
    if (file === undefined) throw damaged(this.#name, 'it has extents without a file');
    this.#checkExtents(file.size, extents);
    this.#files.push({ ...file, extents: file.extents.concat(extents) });
  }

  #checkExtents(size: number, extents: readonly Extent[]): void {
    for (const extent of extents) {
      const frame = this.#frames[extent.frame];
      if (
        frame === undefined ||
        extent.frameOffset >= frame.contentLength ||
        extent.fileOffset + extent.length > size
      ) {
        throw damaged(this.#name, 'an extent lies outside its file or its frame');
      }
    }
  }
}

function damaged(name: string, what: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${name} is damaged: ${what}`);
}
