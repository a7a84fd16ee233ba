import type { Clock } from '../clock.ts';

/** Bytes that the server must be ahead of us. */
const FAR = 256n * 1024n * 1024n;
/** Bytes of finished segments that may wait to be stored meanwhile: so much of the page cache is used, and lost in a crash. */
const WAITING = 96 * 1024 * 1024;
/** Milliseconds in which there must be room again; 16 MiB in that time are 64 MiB a second. */
const PATIENCE = 250;
const LOOK_INTERVAL = 5;

export interface CatchingUpOptions {
  /** Bytes of finished segments that are not stored. */
  readonly backlog: () => number;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** False when the stream is over. */
  readonly wait: (milliseconds: number) => Promise<boolean>;
}

/**
 * A receiver that is far behind: each segment is stored, and its spool file removed, before it was ever forced to the disk.
 * Writing everything to one disk twice is what takes longest then, and it protects nothing: the server keeps what it was not
 * told of. As soon as the repository does not keep up with a disk, the spool takes the log as always, so that the server can
 * let go of it.
 */
export class CatchingUp {
  readonly #options: CatchingUpOptions;
  #tooSlow = false;

  constructor(options: CatchingUpOptions) {
    this.#options = options;
  }

  /** Whether the spool need not be forced to the disk now. @param ahead bytes that the server is ahead of us */
  skipsSpool(ahead: bigint): boolean {
    return ahead > FAR && !this.#tooSlow;
  }

  /** What to wait for before more is read; `undefined` when there is nothing to wait for. */
  room(ahead: bigint): Promise<void> | undefined {
    return this.skipsSpool(ahead) && this.#options.backlog() > WAITING ? this.#waitForRoom() : undefined;
  }

  async #waitForRoom(): Promise<void> {
    const { backlog, clock, wait } = this.#options;
    const began = clock.monotonic();
    while (backlog() > WAITING && !this.#tooSlow && (await wait(LOOK_INTERVAL))) {
      this.#tooSlow = clock.monotonic() - began > PATIENCE;
    }
  }
}
