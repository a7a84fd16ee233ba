import { blockHashesName } from '../../repository/layout.ts';
import { BlockHashesWriter, unitsOf } from '../../repository/block-hashes.ts';
import type { FrameWriter } from '../../repository/frames/frame-writer.ts';
import { ExtentList, type Extent } from '../../repository/manifest/extents.ts';
import type { FrameAddresses } from '../../repository/manifest/frame-addresses.ts';
import { overlayExtents } from '../../repository/manifest/overlay-extents.ts';
import type { FileEntry, HashLocation } from '../../repository/manifest/records.ts';
import type { ObjectStore, StoreLocation } from '../../storage/object-store.ts';
import type { SourceFile } from '../sources/source.ts';
import type { EarlierHashes } from './compare-messages.ts';
import type { IncomingFile, Intake, StoredContent } from './intake.ts';
import { chainWith, type ParentBackup } from './parent-backup.ts';
import { UnitComparer, type ComparedFile } from './unit-comparer.ts';

interface ComparedIntakeOptions {
  readonly id: string;
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly workers: number;
  readonly frames: FrameWriter;
  /** undefined for a full backup: everything is stored, and hashed for the next one. */
  readonly parent: ParentBackup | undefined;
}

/** Backups of a server that cannot tell what changed (15 and 16): all of it is read, and compared by hashes. */
export class ComparedFilesIntake implements Intake {
  readonly #options: ComparedIntakeOptions;
  readonly #hashes: BlockHashesWriter;
  readonly #comparer: UnitComparer;

  private constructor(options: ComparedIntakeOptions, hashes: BlockHashesWriter) {
    const { location, workers, frames } = options;
    this.#options = options;
    this.#hashes = hashes;
    this.#comparer = new UnitComparer(location, workers, { frames, hashes });
  }

  static async open(options: ComparedIntakeOptions): Promise<ComparedFilesIntake> {
    const hashes = await BlockHashesWriter.open(options.store, blockHashesName(options.id));
    return new ComparedFilesIntake(options, hashes);
  }

  get storedBytes(): number {
    return this.#options.frames.storedBytes;
  }

  get hasRoom(): boolean {
    return this.#comparer.hasRoom;
  }

  room(): Promise<void> {
    return this.#comparer.room();
  }

  open(source: SourceFile): IncomingFile {
    const { parent } = this.#options;
    const before = parent?.files.get(source.path);
    return new FileCompared(source, this.#comparer, {
      before,
      earlier: earlierHashes(parent, before),
      firstFrame: parent?.manifest.frames.length ?? 0,
      member: parent?.manifest.chain.length ?? 0,
    });
  }

  async finish(): Promise<StoredContent> {
    const { id, parent, frames: writer } = this.#options;
    await this.#comparer.finish();
    const { frames, packs } = await writer.finish();
    return {
      chain: chainWith(parent, id, frames.length),
      frames: [...(parent?.manifest.frames ?? []), ...frames],
      objects: [...packs, await this.#hashes.commit()],
    };
  }

  async abort(): Promise<void> {
    // the writer first: a comparer that waits for its room would wait for ever
    await this.#options.frames.abort();
    await this.#comparer.abort();
    await this.#hashes.abort().catch(() => undefined);
  }
}

/** Where the hashes of a file lie; undefined where the parent has none of it. */
function earlierHashes(
  parent: ParentBackup | undefined,
  before: FileEntry | undefined,
): EarlierHashes | undefined {
  const { hashes, size = 0 } = before ?? {};
  const member = hashes === undefined ? undefined : parent?.manifest.chain[hashes.member];
  if (hashes === undefined || member === undefined) return undefined;
  return { object: blockHashesName(member.id), offset: hashes.offset, units: unitsOf(size) };
}

interface FileComparedParts {
  readonly before: FileEntry | undefined;
  readonly earlier: EarlierHashes | undefined;
  readonly firstFrame: number;
  /** Our own index in the chain. */
  readonly member: number;
}

class FileCompared implements IncomingFile {
  readonly #source: SourceFile;
  readonly #comparer: UnitComparer;
  readonly #parts: FileComparedParts;
  readonly #file: ComparedFile;

  constructor(source: SourceFile, comparer: UnitComparer, parts: FileComparedParts) {
    this.#source = source;
    this.#comparer = comparer;
    this.#parts = parts;
    this.#file = comparer.begin(source.size, parts.earlier);
  }

  get path(): string {
    return this.#source.path;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.#comparer.write(this.#file, buffer, start, end);
  }

  end(): void {
    // the tar reader counted the bytes; nothing is left to do
  }

  get sentChecksum(): number {
    return this.#file.checksum;
  }

  entry(addresses: FrameAddresses): FileEntry {
    const { before, earlier } = this.#parts;
    // without hashes every unit was stored
    const base = earlier === undefined ? [] : (before?.extents ?? []);
    const keep = Math.min(this.#source.size, before?.size ?? 0);
    return {
      kind: 'file',
      ...this.#source,
      checksum: this.#file.checksum,
      hashes: this.#hashes(),
      extents: ExtentList.of(overlayExtents(base, this.#runs(), { keep, addresses })),
    };
  }

  #hashes(): HashLocation | undefined {
    const { hashes, size } = this.#file;
    if (hashes !== undefined) return { member: this.#parts.member, offset: hashes };
    return size === 0 ? undefined : this.#parts.before?.hashes;
  }

  *#runs(): Generator<Extent> {
    for (const { fileOffset, length, written } of this.#file.runs) {
      const frame = (written.frame ?? 0) + this.#parts.firstFrame;
      yield { fileOffset, length, frame, frameOffset: written.frameOffset };
    }
  }
}
