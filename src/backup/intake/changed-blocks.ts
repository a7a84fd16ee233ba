import { crc32c, shiftCrc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';
import {
  blockRuns,
  IncrementalFileReader,
  NO_BLOCKS,
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
  readonly #target: ChangesTarget;

  constructor(
    id: string,
    frames: FrameWriter,
    { parent, sizes }: { parent: ParentBackup; sizes: BlockSizes },
  ) {
    this.#id = id;
    this.#frames = frames;
    this.#parent = parent;
    this.#target = { frames, firstFrame: parent.manifest.frames.length, sizes };
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
    const path = relationOfIncrementalFile(file.path);
    if (path === undefined) return new WholeFile(file, this.#frames, this.#target.firstFrame);
    const before = this.#parent.files.get(path);
    if (before === undefined) {
      throw new LarderError(
        'PROTOCOL_VIOLATION',
        `the server sent changes to ${path}, which ${this.#parent.record.id} does not have`,
      );
    }
    return new ChangedFile(file, before, this.#target);
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

/** Where changed blocks go. */
interface ChangesTarget {
  readonly frames: FrameWriter;
  readonly firstFrame: number;
  readonly sizes: BlockSizes;
}

/** A relation file of which the changed blocks came. There may be a hundred thousand: each keeps what its entry needs. */
class ChangedFile implements IncomingFile {
  /** The file as the parent has it. */
  readonly #before: FileEntry;
  readonly #target: ChangesTarget;
  readonly #mode: number;
  readonly #modified: number;
  readonly #size: number;
  /** Until the end. */
  #reader: IncrementalFileReader | undefined;
  #truncationBlockLength = 0;
  #blocks: Uint32Array = NO_BLOCKS;
  #headerChecksum = 0;
  #blockBytes = 0;
  #written: WrittenFile | undefined;

  constructor(source: SourceFile, before: FileEntry, target: ChangesTarget) {
    this.#before = before;
    this.#target = target;
    this.#mode = source.mode;
    this.#modified = source.modified;
    this.#size = source.size;
    this.#reader = new IncrementalFileReader(source, target.sizes, {
      header: (header, bytes) => this.#begin(header, bytes),
      blocks: (buffer, start, end) => target.frames.write(buffer, start, end),
    });
  }

  get path(): string {
    return this.#before.path;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.#reader?.push(buffer, start, end);
  }

  end(): void {
    this.#reader?.finish();
    this.#reader = undefined;
  }

  get sentChecksum(): number {
    return (shiftCrc32c(this.#headerChecksum, this.#blockBytes) ^ (this.#written?.checksum ?? 0)) >>> 0;
  }

  entry(addresses: FrameAddresses): FileEntry {
    const { path, size: sizeBefore } = this.#before;
    const { blockSize } = this.#target.sizes;
    const header = { truncationBlockLength: this.#truncationBlockLength, blocks: this.#blocks };
    const size = reconstructedBlocks(header) * blockSize;
    // never asked for: pages of a visibility map that do not come may have changed all the same
    const known = isVisibilityMap(path) ? 0 : sizeBefore;
    const keep = Math.min(header.truncationBlockLength * blockSize, known);
    const attributes = { mode: this.#mode, modified: this.#modified };
    const unchanged = header.blocks.length === 0 && size === sizeBefore && keep === size;
    if (unchanged) return { ...this.#before, ...attributes };
    const changes = this.#changes(addresses);
    const extents = ExtentList.of(overlayExtents(this.#before.extents, changes, { keep, addresses }));
    return { kind: 'file', path, size, ...attributes, checksum: undefined, extents };
  }

  #begin({ truncationBlockLength, blocks }: IncrementalHeader, bytes: Buffer): void {
    this.#truncationBlockLength = truncationBlockLength;
    this.#blocks = blocks;
    this.#headerChecksum = crc32c(bytes);
    this.#blockBytes = this.#size - bytes.length;
    if (this.#blockBytes > 0) this.#written = this.#target.frames.beginFile(this.#blockBytes);
  }

  *#changes(addresses: FrameAddresses): Generator<Extent> {
    const { firstFrame, sizes } = this.#target;
    const { frame = 0, frameOffset = 0 } = this.#written ?? {};
    const begin = addresses.of({ frame: frame + firstFrame, frameOffset });
    for (const { block, index, count } of blockRuns(this.#blocks)) {
      const fileOffset = block * sizes.blockSize;
      const length = count * sizes.blockSize;
      yield { fileOffset, length, ...addresses.locate(begin + index * sizes.blockSize) };
    }
  }
}
