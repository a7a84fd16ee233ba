import type { Socket } from 'node:net';
import { LarderError } from '../../errors.ts';
import { encodeQuery, MessageReader, type MessageSink, type MessageType } from './messages.ts';
import type { SocketRouter } from './socket-router.ts';

/** Whether more can be taken: `undefined` for yes, else a promise that resolves when it can. Asked after every read. */
export type Room = () => Promise<void> | undefined;

/**
 * One command whose answer is bulk data, from its Query message to ReadyForQuery. Back-pressure is not reading the
 * socket: the server waits, however long.
 */
export class BulkQuery implements MessageSink {
  readonly #socket: Socket;
  readonly #router: SocketRouter;
  readonly #sink: MessageSink;
  readonly #room: Room;
  readonly #ended = Promise.withResolvers<undefined>();
  #done = false;

  constructor(socket: Socket, router: SocketRouter, sink: MessageSink, room: Room) {
    this.#socket = socket;
    this.#router = router;
    this.#sink = sink;
    this.#room = room;
  }

  /**
   * Sends the command and resolves after the sink was given ReadyForQuery. After any failure the socket is destroyed.
   * @throws LarderError CONNECTION_LOST; the signal's reason; whatever sink or room throw
   */
  async run(command: string, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#end(signal.reason ?? new LarderError('INTERRUPTED', 'interrupted'));
    const onClose = (): void =>
      this.#end(connectionLost('the server closed the connection before the end of its answer'));
    const onError = (error: Error): void =>
      this.#end(connectionLost(`the connection broke: ${error.message}`, error));
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#socket.on('close', onClose).on('error', onError);
    this.#router.toReader(this.#socket, (bytes) => this.#read(bytes));
    try {
      this.#socket.write(encodeQuery(command));
      await this.#ended.promise;
    } catch (error) {
      this.#socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#router.toPg();
      this.#socket.off('close', onClose);
      // a destroyed socket may still report: an error event without a listener would end the process
      if (!this.#socket.destroyed) this.#socket.off('error', onError);
    }
  }

  copyStart(length: number): void {
    this.#sink.copyStart(length);
  }

  copyBytes(buffer: Buffer, start: number, end: number): void {
    this.#sink.copyBytes(buffer, start, end);
  }

  copyEnd(): void {
    this.#sink.copyEnd();
  }

  message(type: MessageType, body: Buffer): void {
    this.#sink.message(type, body);
    if (type === 'readyForQuery') this.#end();
  }

  readonly #reader = new MessageReader(this);

  #read(bytes: Buffer): void {
    if (this.#done) return;
    try {
      this.#reader.push(bytes, 0, bytes.length);
      this.#holdBack();
    } catch (error) {
      this.#end(error);
    }
  }

  #holdBack(): void {
    // the sink may just have had its last message: pg reads on
    const room = this.#done ? undefined : this.#room();
    if (room === undefined) return;
    this.#socket.pause();
    room.then(
      () => this.#socket.resume(),
      (error: unknown) => this.#end(error),
    );
  }

  #end(error?: unknown): void {
    if (this.#done) return;
    this.#done = true;
    if (error === undefined) this.#ended.resolve(undefined);
    else this.#ended.reject(error);
  }
}

function connectionLost(message: string, cause?: Error): LarderError {
  return new LarderError('CONNECTION_LOST', message, {
    hint: "The server's log tells why: a restart, a failover, a network timeout. The next run begins anew.",
    ...(cause === undefined ? {} : { cause }),
  });
}
