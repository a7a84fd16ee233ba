import { LarderError, toLarderError } from '../errors.ts';
import {
  BackupManifestReader,
  type ManifestFile,
  type ManifestSummary,
} from '../postgres/backup-manifest.ts';
import type { TablespaceRow, WalPosition } from '../postgres/replication/base-backup-reader.ts';
import type { FrameWriter, WrittenFile } from '../repository/frames/frame-writer.ts';
import type { FramedObjectWriter, StoredObject } from '../repository/frames/framed-object.ts';
import type { DirectoryEntry, Extent, FileEntry } from '../repository/manifest/records.ts';
import { assertChecksum, expectedChecksum, isUnlistedByDesign } from './completeness.ts';
import type { SourceFile, SourceReceiver } from './sources/source.ts';

interface ContentFile {
  readonly source: SourceFile;
  readonly written: WrittenFile;
  /** The CRC-32C that the server's manifest lists for it. */
  listed: number | undefined;
}

/** Manifest bytes that may wait for the store before the source is held back. */
const MANIFEST_BACKLOG = 2 * 1024 * 1024;
const MOST_WARNINGS = 100;

/**
 * Everything one backup is made of, as it comes in: contents go to the frame writer, the server's manifest to an object
 * of its own, and what must be compared at the end is kept.
 */
export class BackupContent implements SourceReceiver {
  readonly #frames: FrameWriter;
  readonly #manifestObject: FramedObjectWriter;
  readonly #manifestReader = new BackupManifestReader((file) => this.#list(file));
  readonly #files = new Map<string, ContentFile>();
  readonly #directories = new Map<string, DirectoryEntry>();
  readonly #warnings = new Set<string>();
  #manifestBacklog = 0;
  #manifestWritten: Promise<void> = Promise.resolve();
  #failure: LarderError | undefined;
  #receivedBytes = 0;
  /** Called after every read of the source. */
  observer: () => void = () => undefined;
  start: WalPosition | undefined;
  tablespaces: readonly TablespaceRow[] = [];
  /** The server's estimate of all bytes to come. */
  estimatedBytes: number | undefined;

  constructor(frames: FrameWriter, manifestObject: FramedObjectWriter) {
    this.#frames = frames;
    this.#manifestObject = manifestObject;
  }

  /** Bytes of file contents so far. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get fileCount(): number {
    return this.#files.size;
  }

  get directoryCount(): number {
    return this.#directories.size;
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  readonly room = (): Promise<void> | undefined => {
    this.observer();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#manifestBacklog > MANIFEST_BACKLOG) return this.#manifestWritten;
    return this.#frames.hasRoom ? undefined : this.#frames.room();
  };

  started(
    start: WalPosition,
    tablespaces: readonly TablespaceRow[],
    estimatedBytes: number | undefined,
  ): void {
    this.start = start;
    this.tablespaces = tablespaces;
    this.estimatedBytes = estimatedBytes;
  }

  directory(path: string, mode: number): void {
    // the server names pg_wal's own folders a second time
    if (!this.#directories.has(path)) this.#directories.set(path, { kind: 'directory', path, mode });
  }

  fileStart(source: SourceFile): void {
    if (this.#files.has(source.path)) {
      throw new LarderError(
        'PROTOCOL_VIOLATION',
        `the server sent the file ${JSON.stringify(source.path)} twice`,
      );
    }
    this.#files.set(source.path, { source, written: this.#frames.beginFile(source.size), listed: undefined });
  }

  fileBytes(buffer: Buffer, start: number, end: number): void {
    this.#receivedBytes += end - start;
    this.#frames.write(buffer, start, end);
  }

  fileEnd(): void {
    // the tar reader counted the bytes; nothing is left to do
  }

  serverManifest(bytes: Buffer): void {
    this.#manifestReader.push(bytes);
    this.#manifestBacklog += bytes.length;
    this.#manifestWritten = this.#manifestWritten
      .then(() => this.#manifestObject.write(bytes))
      .then(
        () => void (this.#manifestBacklog -= bytes.length),
        (error: unknown) => void (this.#failure ??= toLarderError(error)),
      );
  }

  warning(text: string): void {
    if (this.#warnings.size < MOST_WARNINGS) this.#warnings.add(text);
  }

  /** Ends the server's manifest: what it says, and the object that keeps it. */
  async finishServerManifest(): Promise<{ summary: ManifestSummary; object: StoredObject }> {
    await this.#manifestWritten;
    if (this.#failure !== undefined) throw this.#failure;
    const summary = this.#manifestReader.finish();
    return { summary, object: await this.#manifestObject.commit() };
  }

  /**
   * Compares what came with what the server's manifest lists. Call after the frame writer finished: only then are the
   * checksums whole.
   * @throws LarderError BACKUP_INCOMPLETE
   */
  assertComplete(): void {
    for (const [path, { listed, written }] of this.#files) {
      if (listed !== undefined) assertChecksum(path, listed, written.checksum);
      else if (!isUnlistedByDesign(path)) {
        throw new LarderError(
          'BACKUP_INCOMPLETE',
          `file ${JSON.stringify(path)} came and is not in the server's manifest`,
        );
      }
    }
  }

  sizeOf(path: string): number | undefined {
    return this.#files.get(path)?.source.size;
  }

  /** The entries of our own manifest: directories first, files in the order in which they came. */
  *entries(): Generator<FileEntry | DirectoryEntry> {
    yield* this.#directories.values();
    for (const { source, written } of this.#files.values()) {
      yield { kind: 'file', ...source, checksum: written.checksum, extents: extentsOf(written) };
    }
  }

  async abort(): Promise<void> {
    await this.#manifestWritten;
    await this.#manifestObject.abort();
  }

  #list(listed: ManifestFile): void {
    const file = this.#files.get(listed.path);
    const checksum = expectedChecksum(listed, file?.source.size);
    if (file !== undefined) file.listed = checksum;
  }
}

/** What a full backup writes in one go lies in one stretch. */
function extentsOf({ frame, frameOffset, size }: WrittenFile): Extent[] {
  return frame === undefined ? [] : [{ fileOffset: 0, length: size, frame, frameOffset }];
}
