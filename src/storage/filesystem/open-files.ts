import { closeSync, constants, openSync } from 'node:fs';

/** More than the packs one worker reads from at a time. */
const MOST = 8;

/** Milliseconds. An open file keeps the space of a pack that retention has removed: let go soon after the last read. */
const IDLE = 5_000;

/**
 * Files kept open for reading, the least recently used closed first: ranged reads of one pack must not pay for an open
 * each, which on a network mount is a round trip. Everything is synchronous, so no file is closed under a read.
 */
export class OpenFiles {
  /** Oldest use first. */
  readonly #descriptors = new Map<string, number>();
  #idle: NodeJS.Timeout | undefined;

  /** The descriptor of `path`, valid until control goes back to the event loop. Throws the system's error. */
  open(path: string): number {
    const kept = this.#descriptors.get(path);
    this.#descriptors.delete(path);
    const descriptor = kept ?? openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    this.#descriptors.set(path, descriptor);
    this.#closeBeyond(MOST);
    this.#idle = this.#idle?.refresh() ?? setTimeout(() => this.#closeIdle(), IDLE).unref();
    return descriptor;
  }

  /** Closes `path`: it was removed or replaced, or reading it failed. */
  close(path: string): void {
    const descriptor = this.#descriptors.get(path);
    if (descriptor === undefined) return;
    this.#descriptors.delete(path);
    closeSync(descriptor);
  }

  #closeIdle(): void {
    this.#idle = undefined;
    this.#closeBeyond(0);
  }

  #closeBeyond(most: number): void {
    for (const path of this.#descriptors.keys()) {
      if (this.#descriptors.size <= most) return;
      this.close(path);
    }
  }
}
