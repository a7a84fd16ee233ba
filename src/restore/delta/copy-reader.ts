import { closeSync, constants, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../errors.ts';
import { alignedBuffer } from '../aligned-memory.ts';

const readAt = promisify(read);

const { O_DIRECT, O_NOFOLLOW, O_RDONLY } = constants;
/** What O_DIRECT asks of lengths; offsets are multiples of the unit. */
const ALIGNMENT = 4096;
/** Less is read at once, without a promise: there may be tens of thousands of small files. */
const DIRECT_LEAST = 128 * 1024;
/** Reads underway while the bytes before them are looked at, and those. */
const BUFFERS = 4;

/** A part of a file. */
export interface FilePart {
  readonly path: string | Uint8Array;
  /** A multiple of the unit. */
  readonly fileOffset: number;
  readonly length: number;
}

/**
 * Reads parts of files one behind the other, the next ones while the last one is in use, past the page cache where the file
 * system takes that: a copy that lies there since yesterday is not in it, and filling it is dearer than the disk. What a file does
 * not have reads as zeros.
 */
export class CopyReader {
  readonly #buffers: readonly Buffer[];
  #directRefused = false;

  /** @param limit the most bytes a part has */
  constructor(limit: number) {
    this.#buffers = Array.from({ length: BUFFERS }, () => alignedBuffer(limit));
  }

  /** Each part's bytes stay as they are until the next one is asked for. Throws what the file system says. */
  async *read(parts: readonly FilePart[]): AsyncGenerator<Buffer, void, undefined> {
    const underway: Promise<Buffer>[] = [];
    const rest = parts.values();
    const begin = (buffer: Buffer): void => {
      const next = rest.next();
      if (next.done === true) return;
      const reading = this.#readPart(next.value, buffer);
      // its failure is taken in its turn
      reading.catch(() => undefined);
      underway.push(reading);
    };
    try {
      for (const buffer of this.#buffers) begin(buffer);
      // a buffer comes round again when what it held was used
      for (let turn = 0; turn < underway.length; turn++) {
        const bytes = await underway[turn];
        if (bytes !== undefined) yield bytes;
        begin(this.#buffers[turn % BUFFERS] ?? Buffer.alloc(0));
      }
    } finally {
      // what is still written to must not be given out again
      await Promise.allSettled(underway);
    }
  }

  async #readPart(part: FilePart, buffer: Buffer): Promise<Buffer> {
    const bytes = buffer.subarray(0, part.length);
    const done =
      part.length < DIRECT_LEAST || this.#directRefused ? undefined : await this.#readDirect(part, buffer);
    return bytes.fill(0, Math.min(done ?? readBuffered(part, bytes), part.length));
  }

  /** @returns how many bytes; `undefined` where the file system refused */
  async #readDirect({ path, fileOffset, length }: FilePart, buffer: Buffer): Promise<number | undefined> {
    const most = Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    let descriptor: number | undefined;
    try {
      descriptor = openSync(asPath(path), O_RDONLY | O_NOFOLLOW | O_DIRECT);
      let done = 0;
      while (done < most) {
        const { bytesRead } = await readAt(descriptor, buffer, done, most - done, fileOffset + done);
        done += bytesRead;
        // the end of the file, behind which nothing is aligned any more
        if (bytesRead % ALIGNMENT !== 0 || bytesRead === 0) break;
      }
      return done;
    } catch (error) {
      if (systemErrorCode(error) !== 'EINVAL') throw error;
      this.#directRefused = true;
      return undefined;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}

function readBuffered({ path, fileOffset }: FilePart, bytes: Buffer): number {
  const descriptor = openSync(asPath(path), O_RDONLY | O_NOFOLLOW);
  try {
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(descriptor, bytes, done, bytes.length - done, fileOffset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  } finally {
    closeSync(descriptor);
  }
}

/** Names come as bytes where they are not text. */
function asPath(path: string | Uint8Array): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path);
}
