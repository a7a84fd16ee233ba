import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  openSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../clock.ts';
import type { LarderError } from '../errors.ts';
import type { Lsn } from '../postgres/lsn.ts';
import { segmentAt, segmentName, type WalSegment } from '../postgres/wal-segment.ts';
import { type Spool, spoolFailure } from './spool.ts';

const syncData = promisify(fdatasync);
const syncAll = promisify(fsync);

/** Writes shorter than this come from commits that somebody waits for; longer ones from a server that is ahead. */
const SMALL_WRITE = 32 * 1024;
/**
 * Zeros written ahead of small writes: a flush that need not make the file longer is a third faster (0.10 instead of 0.14 ms
 * on this disk), since the file system's journal has no part in it.
 */
const ZEROS = Buffer.alloc(1024 * 1024);
/**
 * Milliseconds. A disk that took no longer for the last flush is waited for where we stand when commits wait for us: handing
 * the flush to another thread and back costs as much again. A slower one must not keep us from answering the server.
 */
const QUICK_FLUSH = 5;
/** Bytes; more of them take longer than the last flush did. */
const MOST_AT_ONCE = 1024n * 1024n;

interface OpenSegment {
  readonly segment: WalSegment;
  readonly name: string;
  readonly file: number;
  /** Bytes of the file. */
  length: number;
  finished: boolean;
}

export interface SpoolWriterOptions {
  readonly spool: Spool;
  readonly timeline: number;
  /** What comes before it in its segment lies in the spool already. */
  readonly start: Lsn;
  readonly segmentSize: number;
  readonly clock: Clock;
  /** Whether commits may wait for us. */
  readonly awaited: () => boolean;
  /** Every byte of the segment was written, not necessarily to the disk yet. */
  readonly onFinished: (segment: WalSegment, name: string) => void;
}

/**
 * Writes the log into the spool as it comes, in order, and makes it durable in groups: while one group is on its way to
 * the disk the next one gathers.
 */
export class SpoolWriter {
  readonly #options: SpoolWriterOptions;
  #open: OpenSegment | undefined;
  /** Segments with bytes that may not be on the disk. */
  readonly #dirty = new Set<OpenSegment>();
  /** Those of them that are being forced to the disk: their files stay open. */
  #syncing: readonly OpenSegment[] = [];
  #newFiles = false;
  #written: Lsn;
  #flushed: Lsn;
  #flushing: Promise<void> | undefined;
  /** How long the last flush took, milliseconds. */
  #lastFlush = Number.POSITIVE_INFINITY;
  /** A flush that failed may have dropped bytes, and a second one would say that they are there: nothing is believed again. */
  #failure: LarderError | undefined;

  constructor(options: SpoolWriterOptions) {
    this.#options = options;
    this.#written = options.start;
    this.#flushed = options.start;
  }

  /** Behind the last byte written. */
  get written(): Lsn {
    return this.#written;
  }

  /** Behind the last byte that is certainly on the disk, or stored. */
  get flushed(): Lsn {
    return this.#flushed;
  }

  /** The segment being written, and how much of it is certainly on the disk: what a flush loses must not be stored. */
  get unfinished():
    { readonly segment: WalSegment; readonly name: string; readonly length: number } | undefined {
    if (this.#open === undefined) return undefined;
    const { segment, name } = this.#open;
    const length = Number(this.#flushed - segment.number * BigInt(this.#options.segmentSize));
    return length <= 0 ? undefined : { segment, name, length };
  }

  /**
   * Appends [start, end) of a buffer, which the caller may use again afterwards. Synchronous: into the page cache it
   * takes less than handing it to another thread would.
   * @throws LarderError STATE_NOT_WRITABLE
   */
  write(buffer: Buffer, start: number, end: number): void {
    const { segmentSize, spool } = this.#options;
    if (this.#failure !== undefined) throw this.#failure;
    try {
      for (let from = start; from < end;) {
        const target = (this.#open ??= this.#openNext());
        const offset = Number(this.#written % BigInt(segmentSize));
        const length = Math.min(end - from, segmentSize - offset);
        this.#dirty.add(target);
        if (length < SMALL_WRITE) this.#extend(target, offset + length);
        const wrote = writeSync(target.file, buffer, from, length, offset);
        target.length = Math.max(target.length, offset + wrote);
        from += wrote;
        this.#written += BigInt(wrote);
        if (offset + wrote === segmentSize) this.#finish(target);
      }
    } catch (error) {
      throw spoolFailure(spool.directory, error);
    }
  }

  /**
   * Makes everything written so far durable. Calls while one is under way share the next one.
   * @throws LarderError STATE_NOT_WRITABLE, and again ever after; the bytes behind `flushed` must be received again, by
   *   another writer
   */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#written === this.#flushed) return;
    this.#flushing = this.#flushOnce();
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  /**
   * Everything before the position is in the repository: finished segments below it need not be forced to the disk any more,
   * and their files may be removed.
   */
  stored(position: Lsn): void {
    // what was stored of bytes that a failed flush may have lost is to be received again, and compared
    if (this.#failure !== undefined) return;
    const size = BigInt(this.#options.segmentSize);
    for (const one of this.#dirty) {
      const whole = one.finished && (one.segment.number + 1n) * size <= position;
      if (!whole || this.#syncing.includes(one)) continue;
      this.#dirty.delete(one);
      closeFile(one.file);
    }
    this.#advance(position < this.#written ? position : this.#written);
  }

  /** Closes the files; what was not flushed is not durable. */
  async close(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    for (const { file } of new Set([...this.#dirty, ...(this.#open === undefined ? [] : [this.#open])])) {
      closeFile(file);
    }
    this.#dirty.clear();
    this.#open = undefined;
  }

  async #flushOnce(): Promise<void> {
    const group = [...this.#dirty];
    const position = this.#written;
    const newFiles = this.#newFiles;
    const { clock, awaited } = this.#options;
    const began = clock.monotonic();
    const isSmall = position - this.#flushed < MOST_AT_ONCE;
    const atOnce = isSmall && this.#lastFlush < QUICK_FLUSH && awaited();
    this.#newFiles = false;
    this.#dirty.clear();
    this.#syncing = group;
    try {
      for (const { file } of group) {
        if (atOnce) fdatasyncSync(file);
        else await syncData(file);
      }
      if (newFiles) await this.#syncDirectory();
    } catch (error) {
      // an fsync that failed may have dropped the bytes and must not be repeated: writing them again is what helps
      this.#failure = spoolFailure(this.#options.spool.directory, error);
      throw this.#failure;
    } finally {
      this.#syncing = [];
      for (const one of group) if (one.finished && !this.#dirty.has(one)) closeFile(one.file);
    }
    this.#lastFlush = clock.monotonic() - began;
    this.#advance(position);
  }

  #advance(durable: Lsn): void {
    if (durable > this.#flushed) this.#flushed = durable;
  }

  async #syncDirectory(): Promise<void> {
    const directory = openSync(this.#options.spool.directory, constants.O_RDONLY);
    try {
      await syncAll(directory);
    } finally {
      closeSync(directory);
    }
  }

  #openNext(): OpenSegment {
    const { timeline, segmentSize, spool } = this.#options;
    const segment = segmentAt(timeline, this.#written, segmentSize);
    const name = segmentName(segment, segmentSize);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = openSync(spool.path(name), flags, 0o600);
    const { size } = fstatSync(file);
    this.#newFiles = true;
    return { segment, name, file, length: size, finished: false };
  }

  /** What a crash leaves of the zeros is told from WAL by the records' checksums. */
  #extend(target: OpenSegment, needed: number): void {
    if (needed <= target.length) return;
    const zeros = Math.min(ZEROS.length, this.#options.segmentSize - target.length);
    target.length += writeSync(target.file, ZEROS, 0, zeros, target.length);
  }

  #finish(done: OpenSegment): void {
    done.finished = true;
    this.#open = undefined;
    this.#options.onFinished(done.segment, done.name);
  }
}

/**
 * What a file holds was forced to the disk, or stored, or given up before it is closed: nothing hangs on that, and an error of
 * it must not stand in the place of the one that came before.
 */
function closeFile(file: number): void {
  try {
    closeSync(file);
  } catch {
    // closed it is all the same
  }
}
