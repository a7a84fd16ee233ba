import { closeSync, constants, fchownSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32c } from '../crc32c.ts';
import { LarderError, systemErrorCode } from '../errors.ts';
import { UNIT } from '../repository/block-hashes.ts';
import type { PieceTarget } from './content-messages.ts';
import { DirectWriter } from './direct-writer.ts';

const { O_CREAT, O_DIRECT, O_EXCL, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;
/** What O_DIRECT asks of addresses, offsets and lengths. */
const ALIGNMENT = 4096;
/**
 * Less than this goes into an earlier file through the page cache, which gathers changes that lie all over a file; past it, each
 * would wait for the disk by itself.
 */
const DIRECT_LEAST = 128 * 1024;
/** Files kept open for writing by one worker; a frame touches few, and packs hold files in order. */
const MOST_OPEN = 16;

interface OpenFile {
  readonly buffered: number;
  /** Past the page cache; `undefined` once the file system refused it. */
  readonly direct: number | undefined;
}

/**
 * Writes pieces of files. A file that lies in one frame is created, written and closed at once. A larger one
 * was created before; its pieces go past the page cache (O_DIRECT) where the file system takes that, which halves the cost
 * of a restore and leaves the cache to the databases that run here. Everything else is synchronous. Files that
 * are still open are closed when the thread ends; making them durable is left to whoever has all of them.
 */
export class TargetFiles {
  readonly #owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly #open = new Map<string, OpenFile>();
  readonly #directWriter: DirectWriter;
  #directRefused = false;
  /** What an earlier file has in place of a piece. */
  #earlier: Buffer = Buffer.alloc(0);

  constructor(owner: { readonly uid: number; readonly gid: number } | undefined, frameLimit: number) {
    this.#owner = owner;
    this.#directWriter = new DirectWriter(frameLimit);
  }

  /** Whether a file system refused O_DIRECT, and everything since went through the page cache. */
  get directRefused(): boolean {
    return this.#directRefused || this.#directWriter.refused;
  }

  /**
   * Writes one piece; its bytes may be changed once the promise resolves, and may not be on the disk yet.
   * @returns how many bytes of it were written: all, unless an earlier file has some of them
   * @throws LarderError RESTORE_FAILED, also for an earlier piece
   */
  async write(target: PieceTarget, fileOffset: number, bytes: Buffer): Promise<number> {
    try {
      if (target.earlier === 'compare') return await this.#writeDiffering(target, fileOffset, bytes);
      if (target.earlier === undefined && bytes.length === target.fileSize) this.#writeWhole(target, bytes);
      else await this.#writePart(target, fileOffset, bytes);
      return bytes.length;
    } catch (error) {
      throw error instanceof LarderError ? error : writeFailure(target, error);
    }
  }

  /**
   * The CRC-32C of what a write is going to replace; 0, which is nobody's, where it does not matter.
   * @throws LarderError RESTORE_FAILED
   */
  async checksumOfReplaced(
    target: PieceTarget | undefined,
    fileOffset: number,
    length: number,
  ): Promise<number> {
    if (target?.earlier !== 'replace') return 0;
    try {
      return crc32c(this.#read((await this.#opened(target)).buffered, length, fileOffset));
    } catch (error) {
      throw writeFailure(target, error);
    }
  }

  /** Waits until every piece was handed to the file system. Throws as `write` does. */
  async settle(): Promise<void> {
    await this.#directWriter.settle();
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

  async #writePart(target: PieceTarget, fileOffset: number, bytes: Buffer): Promise<void> {
    const { direct, buffered } = await this.#opened(target);
    const isSmall = target.earlier !== undefined && bytes.length < DIRECT_LEAST;
    const canBeDirect =
      direct !== undefined && !this.directRefused && !isSmall && fileOffset % ALIGNMENT === 0;
    const aligned = canBeDirect ? bytes.length - (bytes.length % ALIGNMENT) : 0;
    if (direct !== undefined && aligned > 0) {
      const part = { bytes: bytes.subarray(0, aligned), offset: fileOffset };
      await this.#directWriter.write({ direct, buffered }, part, (error) => writeFailure(target, error));
    }
    if (aligned < bytes.length) writeAll(buffered, bytes.subarray(aligned), fileOffset + aligned);
  }

  /** Units begin where those of the piece do: a piece of a small file may begin anywhere. */
  async #writeDiffering(target: PieceTarget, fileOffset: number, bytes: Buffer): Promise<number> {
    const { buffered } = await this.#opened(target);
    const earlier = this.#read(buffered, bytes.length, fileOffset);
    let [written, from] = [0, 0];
    for (let start = 0; start < bytes.length; start += UNIT) {
      const end = Math.min(start + UNIT, bytes.length);
      const differs = bytes.compare(earlier, start, end, start, end) !== 0;
      if (differs && end < bytes.length) continue;
      const until = differs ? end : start;
      if (until > from) await this.#writePart(target, fileOffset + from, bytes.subarray(from, until));
      written += until - from;
      from = end;
    }
    return written;
  }

  /** What a file does not have reads as zeros: it was given its length before. */
  #read(descriptor: number, length: number, offset: number): Buffer {
    if (this.#earlier.length < length) this.#earlier = Buffer.allocUnsafeSlow(length);
    const bytes = this.#earlier.subarray(0, length);
    let done = 0;
    while (done < length) {
      const read = readSync(descriptor, bytes, done, length - done, offset + done);
      if (read === 0) break;
      done += read;
    }
    return bytes.fill(0, done);
  }

  async #opened({ path, earlier }: PieceTarget): Promise<OpenFile> {
    const key = typeof path === 'string' ? path : Buffer.from(path).toString('latin1');
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    if (this.#open.size >= MOST_OPEN) await this.#closeOldest();
    const file = {
      buffered: openSync(
        asPath(path),
        (earlier === undefined || earlier === 'overwrite' ? O_WRONLY : O_RDWR) | O_NOFOLLOW,
      ),
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

  async #closeOldest(): Promise<void> {
    // what is still on its way needs the descriptor
    await this.#directWriter.settle();
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
