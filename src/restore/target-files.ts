import { closeSync, constants, fchownSync, openSync, writeSync } from 'node:fs';
import { LarderError, systemErrorCode } from '../errors.ts';
import type { PieceTarget } from './content-messages.ts';

const { O_CREAT, O_DIRECT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** What O_DIRECT asks of addresses, offsets and lengths. */
const ALIGNMENT = 4096;
/** Files kept open for writing by one worker; a frame touches few, and packs hold files in order. */
const MOST_OPEN = 16;

/** Node has it; TypeScript's own types know it only among a browser's. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

interface OpenFile {
  readonly buffered: number;
  /** Past the page cache; `undefined` once the file system refused it. */
  readonly direct: number | undefined;
}

/**
 * Writes pieces of files. A file that lies in one frame is created, written and closed at once. A larger one
 * was created before; its pieces go past the page cache (O_DIRECT) where the file system takes that, which halves the cost
 * of a restore and leaves the cache to the databases that run here. Synchronous: it has its thread for itself. Files that
 * are still open are closed when the thread ends; making them durable is left to whoever has all of them.
 */
export class TargetFiles {
  readonly #owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly #open = new Map<string, OpenFile>();
  /** The memory of a WebAssembly module is aligned to pages, which nothing else in JavaScript promises. */
  readonly #aligned: Buffer;
  #directRefused = false;

  constructor(owner: { readonly uid: number; readonly gid: number } | undefined, frameLimit: number) {
    this.#owner = owner;
    const pages = Math.ceil(frameLimit / 65536);
    this.#aligned = Buffer.from(
      new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer,
    );
  }

  /** Whether a file system refused O_DIRECT, and everything since went through the page cache. */
  get directRefused(): boolean {
    return this.#directRefused;
  }

  /** @throws LarderError RESTORE_FAILED */
  write(target: PieceTarget, fileOffset: number, bytes: Buffer): void {
    try {
      if (bytes.length === target.fileSize) this.#writeWhole(target, bytes);
      else this.#writePart(target, fileOffset, bytes);
    } catch (error) {
      throw writeFailure(target, error);
    }
  }

  #writeWhole({ path }: PieceTarget, bytes: Buffer): void {
    const descriptor = openSync(asPath(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      if (this.#owner !== undefined) fchownSync(descriptor, this.#owner.uid, this.#owner.gid);
      writeAll(descriptor, bytes, 0);
    } finally {
      closeSync(descriptor);
    }
  }

  #writePart(target: PieceTarget, fileOffset: number, bytes: Buffer): void {
    const file = this.#opened(target);
    const done = this.#writeDirect(file, fileOffset, bytes);
    if (done < bytes.length) writeAll(file.buffered, bytes.subarray(done), fileOffset + done);
  }

  /** @returns how many bytes, from the first on, went past the page cache */
  #writeDirect({ direct }: OpenFile, fileOffset: number, bytes: Buffer): number {
    if (direct === undefined || this.#directRefused || fileOffset % ALIGNMENT !== 0) return 0;
    const aligned = bytes.length - (bytes.length % ALIGNMENT);
    bytes.copy(this.#aligned, 0, 0, aligned);
    try {
      writeAll(direct, this.#aligned.subarray(0, aligned), fileOffset);
      return aligned;
    } catch (error) {
      // taken at open and refused here: sectors larger than ours, or a file system in user space
      if (systemErrorCode(error) !== 'EINVAL') throw error;
      this.#directRefused = true;
      return 0;
    }
  }

  #opened({ path }: PieceTarget): OpenFile {
    const key = typeof path === 'string' ? path : Buffer.from(path).toString('latin1');
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    if (this.#open.size >= MOST_OPEN) this.#closeOldest();
    const file = {
      buffered: openSync(asPath(path), O_WRONLY | O_NOFOLLOW),
      direct: this.#openDirect(asPath(path)),
    };
    this.#open.set(key, file);
    return file;
  }

  #openDirect(path: string | Buffer): number | undefined {
    if (this.#directRefused) return undefined;
    try {
      return openSync(path, O_WRONLY | O_NOFOLLOW | O_DIRECT);
    } catch (error) {
      // tmpfs and some network mounts
      if (systemErrorCode(error) !== 'EINVAL') throw error;
      this.#directRefused = true;
      return undefined;
    }
  }

  #closeOldest(): void {
    for (const [key, file] of this.#open) {
      closeFile(file);
      this.#open.delete(key);
      return;
    }
  }
}

function closeFile(file: OpenFile): void {
  closeSync(file.buffered);
  if (file.direct !== undefined) closeSync(file.direct);
}

/** A write may take less than it was given: a signal, a nearly full disk. */
function writeAll(descriptor: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
}

/** Names come as bytes where they are not text. */
function asPath(path: string | Uint8Array): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path);
}

function writeFailure(target: PieceTarget, error: unknown): LarderError {
  const name = typeof target.path === 'string' ? target.path : Buffer.from(target.path).toString('latin1');
  const reason = Error.isError(error) ? error.message : String(error);
  const full = systemErrorCode(error) === 'ENOSPC' || systemErrorCode(error) === 'EDQUOT';
  return new LarderError('RESTORE_FAILED', `could not write ${name}: ${reason}`, {
    hint: full
      ? 'Make room there or choose another --to-dir; the directory cannot be started and may be restored into again.'
      : 'The directory cannot be started; mend the cause and restore again.',
    cause: error,
  });
}
