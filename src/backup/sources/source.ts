import type { TablespaceRow, WalPosition } from '../../postgres/replication/base-backup-reader.ts';
import type { Room } from '../../postgres/replication/bulk-query.ts';
import type { ServerIdentity } from '../../postgres/replication/server-identity.ts';

/** Takes what a source yields. Byte ranges are only valid during the call; `room` is asked after every read. */
export interface SourceReceiver {
  started(
    start: WalPosition,
    tablespaces: readonly TablespaceRow[],
    estimatedBytes: number | undefined,
  ): void;
  directory(path: string, mode: number): void;
  /** A file begins: exactly `size` bytes follow, then `fileEnd`. */
  fileStart(file: SourceFile): void;
  fileBytes(buffer: Buffer, start: number, end: number): void;
  fileEnd(): void;
  /** Some bytes of the server's backup_manifest, in order. */
  serverManifest(bytes: Buffer): void;
  warning(text: string): void;
  readonly room: Room;
}

export interface SourceFile {
  /** Relative to the data directory, checked; tablespaces as `pg_tblspc/<oid>/…`. */
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** How a source ended, after everything was given to the receiver. */
export interface SourceOutcome {
  readonly stop: WalPosition;
  /** The server's own words when it found damaged pages while it sent them; `undefined` for a clean end. */
  readonly corruption: string | undefined;
}

/**
 * Yields the files of a consistent backup, in order, with back-pressure; what stores them does not know which source it
 * was. Implementations: replication (here); data directory (planned, docs/design.md section 4).
 */
export interface BackupSource {
  readonly kind: 'replication';
  identify(): Promise<ServerIdentity>;
  /**
   * @throws LarderError when the backup cannot count as whole; INCREMENTAL_REFUSED, before anything was given to the
   *   receiver, when the server cannot tell the changes (another read may follow); the signal's reason
   */
  read(request: SourceRequest, receiver: SourceReceiver, signal: AbortSignal): Promise<SourceOutcome>;
  close(): Promise<void>;
}

export interface SourceRequest {
  readonly label: string;
  /** The server's manifest of the backup since which changes are wanted; undefined for all. */
  readonly since: AsyncIterable<Buffer> | undefined;
}
