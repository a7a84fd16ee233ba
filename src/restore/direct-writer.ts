import { write } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../errors.ts';
import { alignedBuffer } from './aligned-memory.ts';

const writeAt = promisify(write);

/** While one buffer is on its way to the disk, the next frame is decompressed and put into the other. */
const BUFFERS = 2;

/** The same file, opened twice. */
export interface DirectFile {
  /** With O_DIRECT. */
  readonly direct: number;
  /** Through the page cache. */
  readonly buffered: number;
}

/**
 * Writes past the page cache without waiting for the disk: `write` takes a copy, and what went wrong is thrown by a later
 * call. Descriptors must stay open until `settle` has resolved.
 */
export class DirectWriter {
  readonly #buffers: readonly Buffer[];
  readonly #underway: Promise<void>[];
  #next = 0;
  #failure: Error | undefined;
  #refused = false;

  /** @param limit the most bytes one write has */
  constructor(limit: number) {
    this.#buffers = Array.from({ length: BUFFERS }, () => alignedBuffer(limit));
    this.#underway = this.#buffers.map(() => Promise.resolve());
  }

  /** Whether a file system took O_DIRECT at open and refused it at the write. */
  get refused(): boolean {
    return this.#refused;
  }

  /**
   * Writes bytes whose length and offset are aligned; they may be changed once the promise resolves.
   * @throws what an earlier write of this writer met, as `describe` made an error of it
   */
  async write(
    file: DirectFile,
    { bytes, offset }: { readonly bytes: Buffer; readonly offset: number },
    describe: (error: unknown) => Error,
  ): Promise<void> {
    const turn = this.#next;
    this.#next = (turn + 1) % BUFFERS;
    await this.#underway[turn];
    this.#throwFailure();
    const copy = this.#buffers[turn]?.subarray(0, bytes.length) ?? Buffer.alloc(0);
    bytes.copy(copy);
    this.#underway[turn] = this.#writeOut(file, copy, offset).catch((error: unknown) => {
      this.#failure ??= describe(error);
    });
  }

  /** Waits until everything was written. Throws what went wrong. */
  async settle(): Promise<void> {
    await Promise.all(this.#underway);
    this.#throwFailure();
  }

  async #writeOut(file: DirectFile, bytes: Buffer, offset: number): Promise<void> {
    try {
      await writeAll(file.direct, bytes, offset);
    } catch (error) {
      // sectors larger than ours, or a file system in user space
      if (systemErrorCode(error) !== 'EINVAL') throw error;
      this.#refused = true;
      await writeAll(file.buffered, bytes, offset);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A write may take less than it was given: a signal, a nearly full disk. */
async function writeAll(descriptor: number, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await writeAt(descriptor, bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}
