import { toLarderError, type LarderError } from '../../errors.ts';
import { serverError, type ServerErrorFields } from '../server-error.ts';
import { readServerMessage } from './message-bodies.ts';
import { encodeCopyData, encodeCopyFail, type MessageSink, type MessageType } from './messages.ts';
import type { ReplicationConnection } from './replication-connection.ts';
import { COPY_DONE } from './wal-messages.ts';

const UPLOAD = 'UPLOAD_MANIFEST';
/** As pg_basebackup sends it. */
const PART = 64 * 1024;

/**
 * Gives the server the manifest of an earlier backup; the next incremental BASE_BACKUP of this session sends what changed
 * since then. Server 17 or later.
 * @throws LarderError as `serverError` when the server does not take it (another system, an older manifest), what `parts`
 *   throws, CONNECTION_LOST, the signal's reason
 */
export async function uploadManifest(
  connection: ReplicationConnection,
  parts: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const upload = new ManifestUpload(connection, parts);
  await connection.bulk(UPLOAD, upload, () => undefined, signal);
  if (upload.failure !== undefined) throw upload.failure;
  if (upload.refusal !== undefined) throw serverError(upload.refusal, 'uploading the manifest');
}

class ManifestUpload implements MessageSink {
  readonly #connection: ReplicationConnection;
  readonly #parts: AsyncIterable<Buffer>;
  /** The server's ErrorResponse. It stays silent after it until the end of the copy that it still waits for. */
  refusal: ServerErrorFields | undefined;
  /** What kept us from sending all of it. */
  failure: LarderError | undefined;

  constructor(connection: ReplicationConnection, parts: AsyncIterable<Buffer>) {
    this.#connection = connection;
    this.#parts = parts;
  }

  message(type: MessageType, body: Buffer): void {
    if (type === 'error') this.refusal ??= readServerMessage(body);
    if (type === 'copyInResponse') void this.#send();
  }

  async #send(): Promise<void> {
    try {
      for await (const part of this.#parts) {
        for (let start = 0; start < part.length && this.refusal === undefined; start += PART)
          await this.#connection.send(encodeCopyData(part.subarray(start, start + PART)));
      }
      await this.#connection.send(COPY_DONE);
    } catch (error) {
      this.failure = toLarderError(error);
      await this.#connection.send(encodeCopyFail('the manifest cannot be read'));
    }
  }

  // the server sends none here; a stray one is passed over like the rest of a refused upload
  copyStart(): void {
    return;
  }

  copyBytes(): void {
    return;
  }

  copyEnd(): void {
    return;
  }
}
