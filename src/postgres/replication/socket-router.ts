import { Socket } from 'node:net';

/** Reads of the socket are this large at most; whoever takes bulk data keeps room for one such read. */
export const READ_BUFFER = 256 * 1024;

type Receiver = (bytes: Buffer) => void;
type DataListener = (bytes: Buffer) => void;

/**
 * Decides who gets a connection's bytes: `pg`, for login and short commands, or our own reader, for bulk data. A plain
 * socket is made with one read buffer that is used again and again (`onread`), so bulk data costs no allocation; a TLS
 * socket makes its own buffers, and only its listeners are exchanged.
 */
export class SocketRouter {
  #receiver: Receiver | undefined;
  #withoutBuffer: { socket: Socket; ofPg: DataListener[] } | undefined;
  #created: Socket | undefined;

  /** The socket `pg` is to connect. */
  createSocket(): Socket {
    const socket: Socket = new Socket({
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER),
        callback: (length: number, buffer: Uint8Array): boolean => {
          const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
          // pg keeps what it is given
          if (this.#receiver === undefined) socket.emit('data', Buffer.from(bytes));
          else this.#receiver(bytes);
          return true;
        },
      },
    });
    this.#created = socket;
    return socket;
  }

  /** From now on bytes go to `receiver`, which may use them only during the call. */
  toReader(socket: Socket, receiver: Receiver): void {
    this.#receiver = receiver;
    if (socket === this.#created) return;
    const ofPg = socket.listeners('data') as DataListener[];
    this.#withoutBuffer = { socket, ofPg };
    socket.removeAllListeners('data').on('data', receiver);
  }

  toPg(): void {
    const tls = this.#withoutBuffer;
    if (tls !== undefined && this.#receiver !== undefined) {
      tls.socket.off('data', this.#receiver);
      for (const listener of tls.ofPg) tls.socket.on('data', listener);
    }
    this.#receiver = undefined;
    this.#withoutBuffer = undefined;
  }
}
