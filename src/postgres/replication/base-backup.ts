import { BaseBackupReader, type BaseBackupOutcome, type BaseBackupSink } from './base-backup-reader.ts';
import type { Room } from './bulk-query.ts';
import type { ReplicationConnection } from './replication-connection.ts';

export interface BaseBackupOptions {
  readonly label: string;
  /** `fast` asks for an immediate checkpoint; `spread` waits for a gentle one, up to checkpoint_timeout. */
  readonly checkpoint: 'fast' | 'spread';
  /** Only what changed since the backup whose manifest was uploaded in this session; server 17 or later. */
  readonly incremental: boolean;
}

/** The command. `WAIT false`: the WAL comes inside the backup, so nothing has to wait for the server's own archiver. */
export function baseBackupCommand(options: BaseBackupOptions): string {
  const label = options.label.replaceAll("'", "''");
  return (
    `BASE_BACKUP (LABEL '${label}', CHECKPOINT '${options.checkpoint}', PROGRESS true, WAL true, WAIT false, ` +
    `TABLESPACE_MAP true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C'${options.incremental ? ', INCREMENTAL true' : ''})`
  );
}

/**
 * Streams one base backup into the sink and gives its outcome, which only the caller can judge: an error may have come
 * after all of the data.
 * @throws LarderError CONNECTION_LOST, PROTOCOL_VIOLATION, the signal's reason
 */
export async function streamBaseBackup(
  connection: ReplicationConnection,
  request: {
    readonly options: BaseBackupOptions;
    readonly sink: Omit<BaseBackupSink, 'ended'>;
    readonly room: Room;
  },
  signal: AbortSignal,
): Promise<BaseBackupOutcome> {
  let outcome: BaseBackupOutcome = { stop: undefined, completed: false, error: undefined };
  const { sink } = request;
  const reader = new BaseBackupReader({
    started: (start, tablespaces, bytes) => sink.started(start, tablespaces, bytes),
    archiveStart: (name, location) => sink.archiveStart(name, location),
    archiveBytes: (buffer, start, end) => sink.archiveBytes(buffer, start, end),
    manifestStart: () => sink.manifestStart(),
    manifestBytes: (buffer, start, end) => sink.manifestBytes(buffer, start, end),
    notice: (message) => sink.notice(message),
    ended: (result) => {
      outcome = result;
    },
  });
  try {
    await connection.bulk(baseBackupCommand(request.options), reader, request.room, signal);
  } catch (error) {
    if (reader.error === undefined || signal.aborted) throw error;
    // a FATAL error closes the connection: what the server said counts for more than that it hung up
    return { stop: undefined, completed: false, error: reader.error };
  }
  return outcome;
}
