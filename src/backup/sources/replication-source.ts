import { randomBytes } from 'node:crypto';
import { LarderError } from '../../errors.ts';
import type { ConnectionSettings, HostAddress } from '../../postgres/connection-settings.ts';
import { streamBaseBackup } from '../../postgres/replication/base-backup.ts';
import type { BaseBackupOutcome } from '../../postgres/replication/base-backup-reader.ts';
import type { ServerMessage } from '../../postgres/replication/message-bodies.ts';
import { ReplicationConnection } from '../../postgres/replication/replication-connection.ts';
import { readServerIdentity, type ServerIdentity } from '../../postgres/replication/server-identity.ts';
import { TarReader, type TarEntry, type TarSink } from '../../postgres/replication/tar-reader.ts';
import { uploadManifest } from '../../postgres/replication/upload-manifest.ts';
import { serverError, serverErrorText, sqlState } from '../../postgres/server-error.ts';
import { archivePrefix, sourcePath } from './source-path.ts';
import type { BackupSource, SourceOutcome, SourceReceiver, SourceRequest } from './source.ts';

const DATA_CORRUPTED = 'XX001';
const NOT_IN_PREREQUISITE_STATE = '55000';
const INSUFFICIENT_PRIVILEGE = '42501';

/** One BASE_BACKUP stream over a replication connection: needs only LOGIN REPLICATION, works from anywhere. */
export class ReplicationSource implements BackupSource {
  readonly kind = 'replication';
  readonly #connection: ReplicationConnection;
  #slot: Promise<void> | undefined;

  private constructor(connection: ReplicationConnection) {
    this.#connection = connection;
  }

  static async open(settings: ConnectionSettings, signal: AbortSignal): Promise<ReplicationSource> {
    return new ReplicationSource(await ReplicationConnection.open(settings, signal));
  }

  /** The server it is connected to: one of the hosts that were asked for. */
  get address(): HostAddress {
    return this.#connection.address;
  }

  async identify(): Promise<ServerIdentity> {
    return readServerIdentity(this.#connection);
  }

  /**
   * Makes the server keep its log from now on, until `close`; `read` waits for that. The backup carries its own WAL: without
   * a slot the server may recycle the first segments while it sends files.
   */
  holdLog(): void {
    void this.#ensureSlot().catch(() => undefined);
  }

  async read(
    { label, since }: SourceRequest,
    receiver: SourceReceiver,
    signal: AbortSignal,
  ): Promise<SourceOutcome> {
    await this.#ensureSlot();
    if (since !== undefined) await this.#upload(since, signal);
    const heard = { start: false };
    const archives = new ArchiveFiles(receiver);
    const outcome = await streamBaseBackup(
      this.#connection,
      {
        options: { label, checkpoint: 'fast', incremental: since !== undefined },
        room: receiver.room,
        sink: {
          started: (start, tablespaces, bytes) => {
            heard.start = true;
            receiver.started(start, tablespaces, bytes);
          },
          archiveStart: (name) => archives.begin(name),
          archiveBytes: (buffer, start, end) => archives.push(buffer, start, end),
          manifestStart: () => archives.finish(),
          // copied: the socket's buffer is used again for the next read
          manifestBytes: (buffer, start, end) =>
            receiver.serverManifest(Buffer.from(buffer.subarray(start, end))),
          notice: (message) => receiver.warning(warningText(message)),
        },
      },
      signal,
    );
    if (since !== undefined && !heard.start && outcome.error !== undefined) throw refused(outcome.error);
    return judge(outcome);
  }

  #ensureSlot(): Promise<void> {
    this.#slot ??= this.#connection.createTemporarySlot(`larder_backup_${randomBytes(6).toString('hex')}`);
    return this.#slot;
  }

  async #upload(manifest: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    try {
      await uploadManifest(this.#connection, manifest, signal);
    } catch (error) {
      const said = error instanceof LarderError ? error.cause : undefined;
      // an error of the server's about the manifest, not of the connection
      if (sqlState(error) === undefined || !isServerMessage(said)) throw error;
      throw refused(said);
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** The archives of one stream: tablespaces first, the data directory last. Each ends where the next begins. */
class ArchiveFiles implements TarSink {
  readonly #receiver: SourceReceiver;
  #tar: TarReader | undefined;
  #prefix = '';
  #inFile = false;

  constructor(receiver: SourceReceiver) {
    this.#receiver = receiver;
  }

  begin(name: string): void {
    this.finish();
    this.#prefix = archivePrefix(name);
    this.#tar = new TarReader(this);
  }

  push(buffer: Buffer, start: number, end: number): void {
    if (this.#tar === undefined)
      throw new LarderError('PROTOCOL_VIOLATION', 'the server sent files before any archive');
    this.#tar.push(buffer, start, end);
  }

  finish(): void {
    this.#tar?.finish();
    this.#tar = undefined;
  }

  entryStart(entry: TarEntry): void {
    const path = sourcePath(this.#prefix, entry.name);
    this.#inFile = path !== undefined && entry.type === 'file';
    if (path === undefined) return;
    if (entry.type === 'file') {
      this.#receiver.fileStart({ path, size: entry.size, mode: entry.mode, modified: entry.modified });
    } else if (entry.type === 'directory') {
      this.#receiver.directory(path, entry.mode);
    } else {
      this.#receiver.warning(`symbolic link "${path}" is not part of the backup`);
    }
  }

  entryBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#inFile) this.#receiver.fileBytes(buffer, start, end);
  }

  entryEnd(): void {
    if (this.#inFile) this.#receiver.fileEnd();
    this.#inFile = false;
  }
}

/** Success is the server's last word; damaged pages are told of after everything was sent, in place of it. */
function judge({ stop, completed, error }: BaseBackupOutcome): SourceOutcome {
  if (error !== undefined) {
    if (error.code === DATA_CORRUPTED && stop !== undefined) return { stop, corruption: error.message };
    if (error.code === NOT_IN_PREREQUISITE_STATE && error.message.includes('promoted')) {
      throw new LarderError(
        'SERVER_PROMOTED',
        'the standby was promoted while it was backed up: what it sent is not consistent',
        {
          hint: 'The next run takes the backup from the server as it is now.',
        },
      );
    }
    // the role was found fit at login: it is the system that denies the server one of its own files
    if (error.code === INSUFFICIENT_PRIVILEGE) throw unreadableFile(error);
    throw serverError(error, 'the base backup');
  }
  if (!completed || stop === undefined) {
    throw new LarderError(
      'BACKUP_INCOMPLETE',
      'the server ended the base backup without saying that it succeeded',
    );
  }
  return { stop, corruption: undefined };
}

function isServerMessage(value: unknown): value is ServerMessage {
  return typeof value === 'object' && value !== null && 'severity' in value && 'message' in value;
}

/** The server cannot tell what changed: no summaries of its WAL, another history, a manifest it does not take. */
function refused(error: ServerMessage): LarderError {
  if (error.severity !== 'ERROR') return serverError(error, 'the base backup');
  const detail = error.detail === undefined ? '' : ` (${error.detail})`;
  return new LarderError('INCREMENTAL_REFUSED', `the server said: ${error.message}${detail}`, {
    hint: 'Take a full backup: larder backup --full.',
    cause: error,
  });
}

function unreadableFile(error: ServerMessage): LarderError {
  return new LarderError('SERVER_ERROR', `the base backup failed: ${serverErrorText(error)}`, {
    hint: 'The server cannot read that file of its data directory: give it to the user it runs as, or move it elsewhere.',
    cause: error,
  });
}

function warningText(message: ServerMessage): string {
  return `${message.severity}: ${message.message}${message.detail === undefined ? '' : ` (${message.detail})`}`;
}
