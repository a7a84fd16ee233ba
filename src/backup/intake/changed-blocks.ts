import { crc32c, shiftCrc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';
import {
  blockRuns,
  IncrementalFileReader,
  reconstructedBlocks,
  relationOfIncrementalFile,
  type BlockSizes,
  type IncrementalHeader,
} from '../../postgres/incremental-file.ts';
import { isVisibilityMap } from '../../postgres/uploaded-manifest.ts';
import type { FrameWriter, WrittenFile } from '../../repository/frames/frame-writer.ts';
import { ExtentList, type Extent } from '../../repository/manifest/extents.ts';
import type { FrameAddresses } from '../../repository/manifest/frame-addresses.ts';
import { overlayExtents } from '../../repository/manifest/overlay-extents.ts';
import type { FileEntry } from '../../repository/manifest/records.ts';
import type { SourceFile } from '../sources/source.ts';
import type { IncomingFile, Intake, StoredContent } from './intake.ts';
import { chainWith, type ParentBackup } from './parent-backup.ts';
import { WholeFile } from './whole-files.ts';

/**
 * An incremental backup of a server that tells changes by itself: of relation files it sends the changed blocks, which are
 * laid over the parent's map of the file; everything else comes whole (pg_combinebackup's rules, reconstruct.c).
 */
export class ChangedBlocksIntake implements Intake {
  readonly #id: string;
  readonly #frames: FrameWriter;
  readonly #parent: ParentBackup;
  readonly #sizes: BlockSizes;

  constructor(
    id: string,
    frames: FrameWriter,
    { parent, sizes }: { parent: ParentBackup; sizes: BlockSizes },
  ) {
    this.#id = id;
    this.#frames = frames;
    this.#parent = parent;
    this.#sizes = sizes;
  }

  get storedBytes(): number {
    return this.#frames.storedBytes;
  }

  get hasRoom(): boolean {
    return this.#frames.hasRoom;
  }

  room(): Promise<void> {
    return this.#frames.room();
  }

  open(file: SourceFile): IncomingFile {
    const firstFrame = this.#parent.manifest.frames.length;
    const path = relationOfIncrementalFile(file.path);
    if (path === undefined) return new WholeFile(file, this.#frames, firstFrame);
    const before = this.#parent.files.get(path);
    if (before === undefined) {
      throw new LarderError(
        'PROTOCOL_VIOLATION',
        `the server sent changes to ${path}, which ${this.#parent.record.id} does not have`,
      );
    }
    const frames = this.#frames;
    return new ChangedFile(file, { path, before, frames, firstFrame, sizes: this.#sizes });
  }

  async finish(): Promise<StoredContent> {
    const { frames, packs } = await this.#frames.finish();
    return {
      chain: chainWith(this.#parent, this.#id, frames.length),
      frames: [...this.#parent.manifest.frames, ...frames],
      objects: packs,
    };
  }

  async abort(): Promise<void> {
    await this.#frames.abort();
  }
}

interface ChangedFileParts {
  readonly path: string;
  /** The file as the parent has it. */
  readonly before: FileEntry;
  readonly frames: FrameWriter;
  readonly firstFrame: number;
  readonly sizes: BlockSizes;
}

/** A relation file of which the changed blocks came. */
class ChangedFile implements IncomingFile {
  readonly #source: SourceFile;
  readonly #parts: ChangedFileParts;
  readonly #reader: IncrementalFileReader;
  #header: IncrementalHeader | undefined;
  #headerChecksum = 0;
  #blockBytes = 0;
  #written: WrittenFile | undefined;

  constructor(source: SourceFile, parts: ChangedFileParts) {
    this.#source = source;
    this.#parts = parts;
    this.#reader = new IncrementalFileReader(source, parts.sizes, {
      header: (header, bytes) => this.#begin(header, bytes),
      blocks: (buffer, start, end) => parts.frames.write(buffer, start, end),
    });
  }

  get path(): string {
    return this.#parts.path;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.#reader.push(buffer, start, end);
  }

  end(): void {
    this.#reader.finish();
  }

  get sentChecksum(): number {
    return (shiftCrc32c(this.#headerChecksum, this.#blockBytes) ^ (this.#written?.checksum ?? 0)) >>> 0;
  }

  entry(addresses: FrameAddresses): FileEntry {
    const { path, before, sizes } = this.#parts;
    const header = this.#header ?? { truncationBlockLength: 0, blocks: new Uint32Array() };
    const size = reconstructedBlocks(header) * sizes.blockSize;
    // never asked for: pages of a visibility map that do not come may have changed all the same
    const known = isVisibilityMap(path) ? 0 : before.size;
    const keep = Math.min(header.truncationBlockLength * sizes.blockSize, known);
    const { mode, modified } = this.#source;
    const unchanged = header.blocks.length === 0 && size === before.size && keep === size;
    if (unchanged) return { ...before, mode, modified };
    const changes = this.#changes(header, addresses);
    const extents = ExtentList.of(overlayExtents(before.extents, changes, { keep, addresses }));
    return { kind: 'file', path, size, mode, modified, checksum: undefined, extents };
  }

  #begin(header: IncrementalHeader, bytes: Buffer): void {
    this.#header = header;
    this.#headerChecksum = crc32c(bytes);
    this.#blockBytes = this.#source.size - bytes.length;
    if (this.#blockBytes > 0) this.#written = this.#parts.frames.beginFile(this.#blockBytes);
  }

  *#changes({ blocks }: IncrementalHeader, addresses: FrameAddresses): Generator<Extent> {
    const { firstFrame, sizes } = this.#parts;
    const { frame = 0, frameOffset = 0 } = this.#written ?? {};
    const begin = addresses.of({ frame: frame + firstFrame, frameOffset });
    for (const { block, index, count } of blockRuns(blocks)) {
      const fileOffset = block * sizes.blockSize;
      const length = count * sizes.blockSize;
      yield { fileOffset, length, ...addresses.locate(begin + index * sizes.blockSize) };
    }
  }
}
