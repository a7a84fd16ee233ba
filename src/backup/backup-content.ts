import { LarderError, toLarderError } from '../errors.ts';
import {
  BackupManifestReader,
  type ManifestFile,
  type ManifestSummary,
} from '../postgres/backup-manifest.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { TablespaceRow, WalPosition } from '../postgres/replication/base-backup-reader.ts';
import type { FramedObjectWriter, StoredObject } from '../repository/frames/framed-object.ts';
import type { FrameAddresses } from '../repository/manifest/frame-addresses.ts';
import type { DirectoryEntry, FileEntry } from '../repository/manifest/records.ts';
import { assertChecksum, expectedChecksum, isUnlistedByDesign } from './completeness.ts';
import type { IncomingFile, Intake } from './intake/intake.ts';
import type { SourceFile, SourceReceiver } from './sources/source.ts';
import type { TablespaceCreation } from '../postgres/wal-tablespace-creation.ts';
import type { CarriedLog } from './carried-log.ts';

interface ContentFile {
  readonly incoming: IncomingFile;
  /** As sent, bytes. */
  readonly sentSize: number;
  /** The CRC-32C that the server's manifest lists for it. */
  listed: number | undefined;
}

/** Manifest bytes that may wait for the store before the source is held back. */
const MANIFEST_BACKLOG = 2 * 1024 * 1024;
const MOST_WARNINGS = 100;

/**
 * Everything one backup is made of, as it comes in: contents go to the intake, the server's manifest to an object of its
 * own, and what must be compared at the end is kept.
 */
export class BackupContent implements SourceReceiver {
  readonly #intake: Intake;
  readonly #carriedLog: CarriedLog;
  readonly #manifestObject: FramedObjectWriter;
  readonly #manifestReader = new BackupManifestReader((file) => this.#list(file));
  /** By the path they were sent under, which is the one that the server's manifest lists. */
  readonly #files = new Map<string, ContentFile>();
  /** Paths in the cluster. */
  readonly #paths = new Set<string>();
  #file: IncomingFile | undefined;
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

  constructor(intake: Intake, manifestObject: FramedObjectWriter, carriedLog: CarriedLog) {
    this.#carriedLog = carriedLog;
    this.#intake = intake;
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
    return this.#intake.hasRoom ? undefined : this.#intake.room();
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
    const incoming = this.#intake.open(source);
    if (this.#paths.has(incoming.path)) {
      throw new LarderError(
        'PROTOCOL_VIOLATION',
        `the server sent the file ${JSON.stringify(source.path)} twice`,
      );
    }
    this.#paths.add(incoming.path);
    this.#carriedLog.fileStart(incoming.path);
    this.#file = incoming;
    this.#files.set(source.path, { incoming, sentSize: source.size, listed: undefined });
  }

  fileBytes(buffer: Buffer, start: number, end: number): void {
    this.#receivedBytes += end - start;
    this.#file?.write(buffer, start, end);
    this.#carriedLog.fileBytes(buffer, start, end);
  }

  fileEnd(): void {
    this.#file?.end();
    this.#file = undefined;
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
   * Compares what came with what the server's manifest lists. Call after the intake finished: only then are the checksums
   * whole.
   * @throws LarderError BACKUP_INCOMPLETE
   */
  assertComplete(): void {
    for (const [path, { listed, incoming }] of this.#files) {
      if (listed !== undefined) assertChecksum(path, listed, incoming.sentChecksum);
      else if (!isUnlistedByDesign(path)) {
        throw new LarderError(
          'BACKUP_INCOMPLETE',
          `file ${JSON.stringify(path)} came and is not in the server's manifest`,
        );
      }
    }
  }

  /** Bytes that were sent under this path. */
  sizeOf(path: string): number | undefined {
    return this.#files.get(path)?.sentSize;
  }

  /** CRC-32C of what was sent under this path; whole once the intake has finished. */
  checksumOf(path: string): number | undefined {
    return this.#files.get(path)?.incoming.sentChecksum;
  }

  /** Adds the directories that nobody sent and that a recovery from that position on needs; before `entries`. */
  completeDirectories(start: Lsn): void {
    const known = new Set(this.#directories.keys());
    for (const path of this.#carriedLog.missingDirectories(start, known)) this.directory(path, 0o700);
  }

  /** As `CarriedLog.madeTablespaces`. */
  madeTablespaces(start: Lsn, stop: Lsn): readonly TablespaceCreation[] | undefined {
    return this.#carriedLog.madeTablespaces(start, stop);
  }

  /** Paths of files that a restore must not make (`CarriedLog`). */
  get leftOut(): string[] {
    return this.#carriedLog.filesToLeaveOut(this.#paths);
  }

  /** The entries of our own manifest: directories first, files in the order in which they came. */
  *entries(addresses: FrameAddresses): Generator<FileEntry | DirectoryEntry> {
    yield* this.#directories.values();
    for (const { incoming } of this.#files.values()) yield incoming.entry(addresses);
  }

  async abort(): Promise<void> {
    await this.#manifestWritten;
    await this.#manifestObject.abort();
  }

  #list(listed: ManifestFile): void {
    const file = this.#files.get(listed.path);
    const checksum = expectedChecksum(listed, file?.sentSize);
    if (file !== undefined) file.listed = checksum;
  }
}
