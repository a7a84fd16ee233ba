import { LarderError } from '../../errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { FrameReference } from '../frames/frame.ts';
import { readFramedObject } from '../frames/framed-object.ts';
import { splitRecords } from '../frames/records.ts';
import { manifestName, parseBackupId } from '../layout.ts';
import { assertEntryPath } from './entry-path.ts';
import { ExtentList, type Extent } from './extents.ts';
import {
  decodeRecord,
  type ChainMember,
  type DirectoryEntry,
  type FileEntry,
  type ManifestRecord,
  type ManifestTotals,
} from './records.ts';

/** A manifest in memory. */
export interface Manifest {
  /** The backups its frames lie in, the full one first, its own last; a full backup has only itself. */
  readonly chain: readonly ChainMember[];
  /** Of all members, in their order. */
  readonly frames: readonly FrameReference[];
  readonly files: readonly FileEntry[];
  readonly directories: readonly DirectoryEntry[];
  /** Sum of all file sizes. */
  readonly bytes: number;
}

/**
 * Reads the whole manifest of a backup and checks it against its own totals and bounds: every extent lies inside its file
 * and inside frames that exist.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED
 */
export async function readManifest(store: ObjectStore, backupId: string): Promise<Manifest> {
  const name = manifestName(backupId);
  const collector = new ManifestCollector(backupId, name);
  let rest: Buffer = Buffer.alloc(0);
  for await (const content of readFramedObject(store, name, 'manifest')) {
    rest = takeRecords(Buffer.concat([rest, content]), (record) => collector.add(record));
  }
  if (rest.length > 0) throw damaged(name, 'it ends in the middle of a record');
  return collector.finish();
}

/** Hands out all whole records; returns the bytes of the one that is not whole yet. */
export function takeRecords(bytes: Buffer, onRecord: (record: ManifestRecord) => void): Buffer {
  return splitRecords(bytes, (record) => onRecord(decodeRecord(record)));
}

class ManifestCollector {
  readonly #backupId: string;
  readonly #name: string;
  #chain: readonly ChainMember[] | undefined;
  readonly #frames: FrameReference[] = [];
  readonly #files: FileEntry[] = [];
  readonly #directories: DirectoryEntry[] = [];
  /** The parts of the last file's extents, and where they end. */
  #parts: Buffer[] = [];
  #extentsEnd = 0;
  #ended = false;
  #bytes = 0;

  constructor(backupId: string, name: string) {
    this.#backupId = backupId;
    this.#name = name;
  }

  add(record: ManifestRecord): void {
    if (this.#ended) throw damaged(this.#name, 'it goes on after its end');
    switch (record.kind) {
      case 'chain':
        return this.#addChain(record.members);
      case 'frames':
        for (const frame of record.frames) this.#frames.push(frame);
        return;
      case 'directory':
        assertEntryPath(record.path, this.#name);
        this.#directories.push(record);
        return;
      case 'file':
        return this.#addFile(record);
      case 'extents':
        return this.#addExtents(record.extents);
      case 'end':
        return this.#end(record);
    }
  }

  #end({ files, directories, frames, bytes }: ManifestTotals): void {
    this.#ended =
      files === this.#files.length &&
      directories === this.#directories.length &&
      frames === this.#frames.length &&
      bytes === this.#bytes;
    if (!this.#ended) throw damaged(this.#name, 'its totals do not agree with its entries');
  }

  finish(): Manifest {
    if (!this.#ended) throw damaged(this.#name, 'it has no end');
    const frames = this.#frames.length;
    const chain = this.#chain ?? [{ id: this.#backupId, frames }];
    if (chain.reduce((sum, member) => sum + member.frames, 0) !== frames)
      throw damaged(this.#name, 'its chain counts other frames than it lists');
    return {
      chain,
      frames: this.#frames,
      files: this.#files,
      directories: this.#directories,
      bytes: this.#bytes,
    };
  }

  #addChain(members: readonly ChainMember[]): void {
    const ids = new Set(members.map(({ id }) => id));
    const sound = ids.size === members.length && [...ids].every((id) => parseBackupId(id) !== undefined);
    if (this.#chain !== undefined || !sound || members.at(-1)?.id !== this.#backupId)
      throw damaged(this.#name, 'its chain is not one of backups that ends with its own');
    this.#chain = members;
  }

  #addFile(file: FileEntry): void {
    assertEntryPath(file.path, this.#name);
    this.#parts = [];
    this.#extentsEnd = 0;
    if (file.hashes !== undefined && file.hashes.member >= (this.#chain?.length ?? 1))
      throw damaged(this.#name, 'the hashes of a file lie outside its chain');
    this.#bytes += file.size;
    this.#files.push(fileWith(file, this.#checked(file.size, file.extents)));
  }

  #addExtents(extents: ExtentList): void {
    const file = this.#files.pop();
    if (file === undefined) throw damaged(this.#name, 'it has extents without a file');
    this.#files.push(fileWith(file, this.#checked(file.size, extents)));
  }

  /** Takes further extents of the last file: ascending, and inside of it and of frames that exist. */
  #checked(size: number, extents: Iterable<Extent>): ExtentList {
    for (const extent of extents) {
      const frame = this.#frames[extent.frame];
      const end = extent.fileOffset + extent.length;
      if (
        frame === undefined ||
        extent.frameOffset >= frame.contentLength ||
        extent.fileOffset < this.#extentsEnd ||
        end > size
      ) {
        throw damaged(this.#name, 'an extent lies outside its file or its frame');
      }
      this.#extentsEnd = end;
    }
    // copied: a part must not keep the whole frame of the manifest in memory
    this.#parts = [...this.#parts, ...ExtentList.of(extents).parts.map((part) => Buffer.from(part))];
    return new ExtentList(this.#parts);
  }
}

/** Written out: an object made by spreading keeps its properties in a second one, which a hundred thousand files feel. */
function fileWith(file: FileEntry, extents: ExtentList): FileEntry {
  const { kind, path, size, mode, modified, checksum, hashes } = file;
  if (hashes === undefined) return { kind, path, size, mode, modified, checksum, extents };
  return { kind, path, size, mode, modified, checksum, hashes, extents };
}

function damaged(name: string, what: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${name} is damaged: ${what}`);
}
