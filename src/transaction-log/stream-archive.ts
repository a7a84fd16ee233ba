import type { Clock } from '../clock.ts';
import { toLarderError, type LarderError } from '../errors.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { WalSegment } from '../postgres/wal-segment.ts';
import type { ArchiveRecord } from '../repository/wal/archive-record.ts';
import { walSegmentObject, walTailObject, type TailRange } from '../repository/wal/wal-layout.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { TaskPool } from '../task-pool.ts';
import type { ArchiveTask } from './archive-messages.ts';
import { Backoff } from './backoff.ts';
import type { Spool } from './spool.ts';

export interface StreamArchiveOptions {
  readonly store: ObjectStore;
  readonly pool: TaskPool<ArchiveTask>;
  readonly archive: ArchiveRecord;
  readonly spool: Spool;
  readonly timeline: number;
  /** The beginning of a segment: everything before it is stored. */
  readonly start: Lsn;
  /** Tails that are stored already, to be removed with their segment. */
  readonly tails: readonly TailRange[];
  readonly clock: Clock;
  /** Ends the repeating of what failed. */
  readonly signal: AbortSignal;
  /** The stored position moved. */
  readonly onStored: () => void;
  /** Something could not be stored yet, and is tried again. */
  readonly onRetry: (error: LarderError, delay: number) => void;
  /** Something cannot be stored at all. */
  readonly onFailure: (error: LarderError) => void;
}

interface Pending {
  readonly segment: WalSegment;
  stored: boolean;
}

/** Brings the segments of one timeline from the spool into the repository, and knows how far that is. */
export class StreamArchive {
  readonly #options: StreamArchiveOptions;
  /** Finished segments in order; the first one is not stored. */
  #pending: Pending[] = [];
  /** Behind the last finished segment. */
  #finished: Lsn;
  /** How far the newest tail reaches. */
  #tail: { readonly number: bigint; readonly to: number } | undefined;
  #tails: TailRange[];
  #running = new Set<Promise<void>>();
  /** The newest request for a tail, while one is being stored. */
  #wanted: { readonly segment: WalSegment; readonly name: string; readonly length: number } | undefined;

  constructor(options: StreamArchiveOptions) {
    this.#options = options;
    this.#finished = options.start;
    this.#tails = [...options.tails];
  }

  /** Everything before it is in the repository. */
  get stored(): Lsn {
    const size = BigInt(this.#options.archive.segmentSize);
    const base = this.#pending[0] === undefined ? this.#finished : this.#pending[0].segment.number * size;
    return this.#tail?.number === base / size ? base + BigInt(this.#tail.to) : base;
  }

  /** Bytes of finished segments that are not stored. */
  get backlog(): number {
    return this.#pending.length * this.#options.archive.segmentSize;
  }

  /** Takes a segment whose last byte was written to the spool. */
  segmentFinished(segment: WalSegment, name: string): void {
    const { archive } = this.#options;
    const pending: Pending = { segment, stored: false };
    this.#pending.push(pending);
    this.#finished = (segment.number + 1n) * BigInt(archive.segmentSize);
    const object = walSegmentObject(archive.systemIdentifier, segment, archive.segmentSize);
    this.#run(async () => {
      await this.#store(this.#task(name, object, { segment, from: 0, to: archive.segmentSize }));
      pending.stored = true;
      while (this.#pending[0]?.stored === true) this.#pending.shift();
      this.#options.onStored();
      await this.#options.spool.remove(name);
      await this.#removeTails(segment);
    });
  }

  /** Stores what an unfinished segment holds beyond the last tail; calls while one is under way are joined to the next. */
  storeTail(segment: WalSegment, name: string, length: number): void {
    const idle = this.#wanted === undefined;
    this.#wanted = { segment, name, length };
    if (idle) this.#run(() => this.#storeWantedTails());
  }

  async #storeWantedTails(): Promise<void> {
    const { archive } = this.#options;
    try {
      for (let last; this.#wanted !== undefined && this.#wanted !== last;) {
        last = this.#wanted;
        const { segment, name, length } = last;
        const from = this.#tail?.number === segment.number ? this.#tail.to : 0;
        // a segment that was finished meanwhile is stored whole, and its file may be gone
        if (length <= from || segment.number * BigInt(archive.segmentSize) < this.#finished) continue;
        const tail: TailRange = { segment, from, to: length };
        const object = walTailObject(archive.systemIdentifier, tail, archive.segmentSize);
        try {
          await this.#store(this.#task(name, object, tail));
        } catch (error) {
          // while it stood in line its segment was finished and stored, and the file removed: nothing is missing
          if (segment.number * BigInt(archive.segmentSize) < this.#finished) continue;
          throw error;
        }
        this.#tail = { number: segment.number, to: length };
        this.#tails.push(tail);
        this.#options.onStored();
      }
    } finally {
      this.#wanted = undefined;
    }
  }

  /** Resolves when everything that was handed in is stored, or the signal has ended it. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #task(name: string, object: string, { segment, from, to }: TailRange): ArchiveTask {
    const { spool, archive } = this.#options;
    return { path: spool.path(name), object, from, to, expected: { segment, ...archive } };
  }

  #run(work: () => Promise<void>): void {
    const running = work().catch((error: unknown) => {
      if (!this.#options.signal.aborted) this.#options.onFailure(toLarderError(error));
    });
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  /** Stores until it is stored: a repository that is away comes back, and the spool holds the WAL until then. */
  async #store(task: ArchiveTask): Promise<void> {
    const { pool, clock, signal, onRetry } = this.#options;
    const backoff = new Backoff();
    for (;;) {
      signal.throwIfAborted();
      try {
        await pool.run(task);
        return;
      } catch (thrown) {
        const error = toLarderError(thrown);
        if (!error.retryable && !error.code.startsWith('REPOSITORY_')) throw error;
        const delay = backoff.next();
        onRetry(error, delay);
        await clock.sleep(delay, signal);
      }
    }
  }

  /** The whole segment makes them superfluous; what cannot be removed now does no harm. */
  async #removeTails(segment: WalSegment): Promise<void> {
    const { store, archive } = this.#options;
    const isOurs = (tail: TailRange): boolean => tail.segment.number <= segment.number;
    const superfluous = this.#tails.filter(isOurs);
    this.#tails = this.#tails.filter((tail) => !isOurs(tail));
    for (const tail of superfluous) {
      await store
        .delete(walTailObject(archive.systemIdentifier, tail, archive.segmentSize))
        .catch(() => undefined);
    }
  }
}
