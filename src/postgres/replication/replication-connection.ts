import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { LarderError } from '../../errors.ts';
import { openClient } from '../connect.ts';
import type { ConnectionSettings, HostAddress } from '../connection-settings.ts';
import { parseLsn, type Lsn } from '../lsn.ts';
import { serverError } from '../server-error.ts';
import { BulkQuery, type Room } from './bulk-query.ts';
import { sendCancelRequest } from './cancel-request.ts';
import type { MessageSink } from './messages.ts';
import { SocketRouter } from './socket-router.ts';

export interface SystemIdentity {
  /** 64-bit number, as text. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Where the log was flushed to; on a standby, replayed to. */
  readonly position: Lsn;
}

/** How long the server may take to say goodbye. */
const CLOSE_LIMIT_MS = 2_000;

/** What `pg` keeps on its client and does not show in its types. */
interface ClientInternals {
  readonly connection: { readonly stream: Socket };
  readonly processID: number | null;
  readonly secretKey: number | null;
}

/**
 * A connection that speaks the replication protocol. `pg` logs in and carries the short commands; for bulk data the
 * socket's bytes go to our own reader, since pg would make an object of every message.
 */
export class ReplicationConnection {
  readonly #client: Client;
  readonly #internals: ClientInternals;
  readonly #router: SocketRouter;
  readonly #signal: AbortSignal | undefined;
  readonly #drop = (): void => void this.#internals.connection.stream.destroy();

  private constructor(client: Client, router: SocketRouter, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#internals = client as unknown as ClientInternals;
    this.#router = router;
    this.#signal = signal;
    // a server that fell silent would keep a command waiting for ever
    signal?.addEventListener('abort', this.#drop, { once: true });
  }

  /**
   * @param signal ends the connection whenever it aborts
   * @throws LarderError as `openClient` does, with the mends for replication connections
   */
  static async open(settings: ConnectionSettings, signal?: AbortSignal): Promise<ReplicationConnection> {
    const router = new SocketRouter();
    const client = await openClient(settings, {
      replication: true,
      createSocket: () => router.createSocket(),
      ...(signal === undefined ? {} : { signal }),
    });
    return new ReplicationConnection(client, router, signal);
  }

  /** The server it leads to. */
  get address(): HostAddress {
    return { host: this.#client.host, port: this.#client.port };
  }

  async identifySystem(): Promise<SystemIdentity> {
    const [row] = await this.command('IDENTIFY_SYSTEM');
    const position = parseLsn(String(row?.['xlogpos']));
    // a number on 15, text from 16 on
    const timeline = Number(row?.['timeline']);
    if (row === undefined || position === undefined || !Number.isInteger(timeline)) {
      throw new LarderError('PROTOCOL_VIOLATION', 'the server answered IDENTIFY_SYSTEM with something else');
    }
    return { systemIdentifier: String(row['systemid']), timeline, position };
  }

  /** The value of a run-time setting, as SHOW prints it. */
  async show(setting: string): Promise<string> {
    const [row] = await this.command(`SHOW ${setting}`);
    return String(Object.values(row ?? {})[0]);
  }

  /** Makes the server keep WAL from its last checkpoint on until this connection ends. */
  async createTemporarySlot(name: string): Promise<void> {
    await this.command(`CREATE_REPLICATION_SLOT "${name}" TEMPORARY PHYSICAL (RESERVE_WAL true)`);
  }

  /** One short command and its rows. Throws as `serverError`, or the signal's reason. */
  async command(text: string): Promise<Record<string, unknown>[]> {
    try {
      const result = await this.#client.query<Record<string, unknown>>(text);
      return result.rows;
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw serverError(error, text.split(' ')[0] ?? text);
    }
  }

  /**
   * One command whose answer is bulk data; every message of it goes to the sink. See BulkQuery for what is thrown. When
   * the signal aborts, the server is asked to stop and the connection is ended.
   */
  async bulk(command: string, sink: MessageSink, room: Room, signal: AbortSignal): Promise<void> {
    const query = new BulkQuery(this.#internals.connection.stream, this.#router, sink, room);
    try {
      await query.run(command, signal);
    } catch (error) {
      if (signal.aborted) this.#cancel();
      throw error;
    }
  }

  /** Writes to the server while a bulk answer runs: statuses, and the end of a copy. A broken connection takes it in silence. */
  write(bytes: Buffer): void {
    const { stream } = this.#internals.connection;
    if (!stream.destroyed) stream.write(bytes);
  }

  /** Writes, and waits until the socket takes more. A broken connection takes it in silence: its reader tells. */
  async send(bytes: Buffer): Promise<void> {
    const { stream } = this.#internals.connection;
    if (stream.destroyed || stream.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off('drain', done).off('close', done);
        resolve();
      };
      stream.on('drain', done).on('close', done);
    });
  }

  /** Ends the connection; a temporary slot goes with it. Never throws. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#drop);
    const { stream } = this.#internals.connection;
    if (stream.destroyed) return;
    // a server that is gone without a word would be waited for
    const timer = setTimeout(this.#drop, CLOSE_LIMIT_MS);
    await this.#client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  #cancel(): void {
    const { processID: processId, secretKey, connection } = this.#internals;
    // over TLS the key would travel in the clear; there, closing the socket has to do
    if ('encrypted' in connection.stream || processId === null || secretKey === null) return;
    sendCancelRequest({ host: this.#client.host, port: this.#client.port, processId, secretKey });
  }
}
