import { setTimeout as delay } from 'node:timers/promises';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { startLarder, type LarderProcess } from '../larder-process.ts';
import type { TestServer } from '../postgres-server.ts';

const WRITERS = 4;
/** A statement that waits for a receiver that was killed is repeated on a new connection. */
const RECONNECT_MS = 20;

/** What a receiver process is started with. */
export interface ReceiverProcess {
  readonly workingDirectory: string;
  readonly environment: Record<string, string>;
}

/**
 * Writers that commit one number after the other on a server which waits for the receiver at every commit, and remember
 * the numbers whose commit was acknowledged.
 */
export class SynchronousCommits {
  readonly acknowledged = new Set<number>();
  readonly #server: TestServer;
  readonly #stop = new AbortController();
  #next = 1;
  #writers: Promise<void>[] = [];

  constructor(server: TestServer) {
    this.#server = server;
  }

  start(): void {
    this.#writers = Array.from({ length: WRITERS }, async () => this.#write());
  }

  /** Ends the writers; what they wait for is not acknowledged. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#writers);
  }

  async #write(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#writeOnOneConnection(signal);
      } catch {
        // the server was killed, or starts: nothing was acknowledged
        await delay(RECONNECT_MS);
      }
    }
  }

  async #writeOnOneConnection(signal: AbortSignal): Promise<void> {
    await using session = await openInstanceSession(this.#server.connection);
    const ended = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
    );
    ended.catch(() => undefined);
    while (!signal.aborted) {
      const number = this.#next++;
      await Promise.race([session.query('INSERT INTO commits VALUES ($1)', [number]), ended]);
      this.acknowledged.add(number);
    }
  }
}

/** `larder wal receive` as a process that can be killed and started again. */
export class KillableReceiver {
  readonly #how: ReceiverProcess;
  #process: LarderProcess | undefined;
  #told = '';

  constructor(how: ReceiverProcess) {
    this.#how = how;
  }

  start(): void {
    this.#process = startLarder(['wal', 'receive'], {
      cwd: this.#how.workingDirectory,
      env: this.#how.environment,
    });
  }

  /** SIGKILL, and wait until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#process?.signal(signal);
    await this.#process?.exit;
    this.#told += this.#process?.stderr() ?? '';
    this.#process = undefined;
  }

  /** Everything it has written to standard error, of all its lives. */
  get told(): string {
    return this.#told + (this.#process?.stderr() ?? '');
  }
}
