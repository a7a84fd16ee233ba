import { LarderError } from '../../errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../lsn.ts';
import { serverError, type ServerErrorFields } from '../server-error.ts';
import type { Room } from './bulk-query.ts';
import { readDataRow, readServerMessage } from './message-bodies.ts';
import type { MessageSink, MessageType } from './messages.ts';
import type { ReplicationConnection } from './replication-connection.ts';
import {
  COPY_DONE,
  KEEPALIVE_LENGTH,
  readKeepalive,
  readWalDataHeader,
  WAL_DATA_HEADER_LENGTH,
} from './wal-messages.ts';

/** What the server said of itself in one message. */
export interface ServerPosition {
  /** `wal`: how far its log is flushed. `keepalive`: how far it has sent, which is no measure of lag. */
  readonly kind: 'wal' | 'keepalive';
  readonly end: Lsn;
  /** It wants to hear from us at once. */
  readonly replyRequested: boolean;
}

export interface WalSink {
  /** Consecutive bytes of the log, [start, end) of a buffer that is valid only during the call. */
  wal(position: Lsn, buffer: Buffer, start: number, end: number): void;
  /** After each message. */
  heard(server: ServerPosition): void;
}

export interface WalStreamRequest {
  readonly slot: string;
  readonly timeline: number;
  readonly start: Lsn;
}

/** How a stream ended, when nothing went wrong. */
export type WalStreamEnd =
  /** The timeline ended at `position`; it goes on as `timeline`. */
  | { readonly kind: 'timeline-ended'; readonly timeline: number; readonly position: Lsn }
  /** The server is being shut down, having sent everything it had. */
  | { readonly kind: 'server-stopped' }
  /** We asked for the end. */
  | { readonly kind: 'stopped' };

/**
 * Streams WAL until the timeline ends, the server stops, or somebody writes COPY_DONE. Statuses are written to the
 * connection by the caller, in between.
 * @throws LarderError as `serverError` with the server's SQLSTATE in its cause (58P01: the WAL is gone; 55006: the slot is
 *   in use; 55000: the slot was invalidated), CONNECTION_LOST, PROTOCOL_VIOLATION, what the sink throws, the signal's reason
 */
export async function streamWal(
  connection: ReplicationConnection,
  request: WalStreamRequest,
  { sink, room }: { readonly sink: WalSink; readonly room: Room },
  signal: AbortSignal,
): Promise<WalStreamEnd> {
  const { slot, start, timeline } = request;
  const reader = new WalStreamReader(start, sink, () => connection.write(COPY_DONE));
  const command = `START_REPLICATION SLOT "${slot}" PHYSICAL ${formatLsn(start)} TIMELINE ${timeline}`;
  try {
    await connection.bulk(command, reader, room, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (reader.error !== undefined) throw serverError(reader.error, 'streaming WAL');
    if (reader.serverStopping) return { kind: 'server-stopped' };
    throw error;
  }
  if (reader.error !== undefined) throw serverError(reader.error, 'streaming WAL');
  return reader.next === undefined ? { kind: 'stopped' } : { kind: 'timeline-ended', ...reader.next };
}

/** The answer to START_REPLICATION PHYSICAL, message by message. */
export class WalStreamReader implements MessageSink {
  readonly #sink: WalSink;
  readonly #answerDone: () => void;
  readonly #header = Buffer.alloc(WAL_DATA_HEADER_LENGTH);
  #filled = 0;
  #position: Lsn;
  #message: ServerPosition | undefined;

  /** What the server refused with; it stands behind everything that was streamed before. */
  error: ServerErrorFields | undefined;
  /** Where the log goes on, when this timeline ended. */
  next: { readonly timeline: number; readonly position: Lsn } | undefined;
  /** It said that copying is over without CopyDone, as it does when it shuts down. */
  serverStopping = false;
  #doneReceived = false;

  /** @param answerDone ends our side of the copy, when the server has ended its own */
  constructor(start: Lsn, sink: WalSink, answerDone: () => void) {
    this.#position = start;
    this.#sink = sink;
    this.#answerDone = answerDone;
  }

  copyStart(): void {
    this.#filled = 0;
    this.#message = undefined;
  }

  copyBytes(buffer: Buffer, start: number, end: number): void {
    let from = start;
    if (this.#message === undefined) {
      const needed = this.#headerLength(buffer, start) - this.#filled;
      const taken = Math.min(needed, end - start);
      buffer.copy(this.#header, this.#filled, start, start + taken);
      this.#filled += taken;
      from += taken;
      if (taken === needed) this.#readHeader();
    }
    if (from === end) return;
    if (this.#message?.kind !== 'wal') throw violation('a message that is longer than its kind');
    this.#sink.wal(this.#position, buffer, from, end);
    this.#position += BigInt(end - from);
  }

  copyEnd(): void {
    if (this.#message === undefined) throw violation('a message that is shorter than its kind');
    this.#sink.heard(this.#message);
  }

  message(type: MessageType, body: Buffer): void {
    switch (type) {
      case 'copyDone':
        this.#doneReceived = true;
        this.#answerDone();
        return;
      case 'dataRow':
        this.next = readNext(body);
        return;
      case 'error':
        this.error = readServerMessage(body);
        return;
      case 'commandComplete':
        if (!this.#doneReceived && this.next === undefined) this.serverStopping = true;
        return;
      case 'copyBothResponse':
      case 'rowDescription':
      case 'readyForQuery':
      case 'notice':
      case 'parameterStatus':
        return;
      default:
        throw violation(`a message of type ${type} while it streams WAL`);
    }
  }

  #headerLength(buffer: Buffer, start: number): number {
    const type = this.#filled > 0 ? this.#header[0] : buffer[start];
    if (type === 0x77) return WAL_DATA_HEADER_LENGTH;
    if (type === 0x6b) return KEEPALIVE_LENGTH;
    throw violation(`an unknown kind of message (${String(type)}) while it streams WAL`);
  }

  #readHeader(): void {
    if (this.#header[0] === 0x6b) {
      const { sentEnd, replyRequested } = readKeepalive(this.#header);
      this.#message = { kind: 'keepalive', end: sentEnd, replyRequested };
      return;
    }
    const { start, serverEnd } = readWalDataHeader(this.#header);
    if (start !== this.#position) {
      throw violation(`WAL from ${formatLsn(start)} on where ${formatLsn(this.#position)} was expected`);
    }
    this.#message = { kind: 'wal', end: serverEnd, replyRequested: false };
  }
}

/** The row behind the end of a timeline: its child, and where that begins. */
function readNext(body: Buffer): { timeline: number; position: Lsn } {
  const [timeline, position] = readDataRow(body);
  const lsn = parseLsn(position ?? '');
  if (!/^\d+$/.test(timeline ?? '') || lsn === undefined) throw violation('an unreadable end of a timeline');
  return { timeline: Number(timeline), position: lsn };
}

function violation(what: string): LarderError {
  return new LarderError('PROTOCOL_VIOLATION', `the server sent ${what}`);
}
