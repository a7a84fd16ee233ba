import { watch } from 'node:fs';
import type { Clock } from '../../clock.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/wal-segment.ts';
import { openRepository } from '../../repository/repository.ts';
import type { ArchiveRecord } from '../../repository/wal/archive-record.ts';
import {
  segmentFinder,
  segmentOnPath,
  type FindSegment,
  type StoredSegment,
} from '../../repository/wal/stored-segment.ts';
import { readHistoryText, readWalIndex } from '../../repository/wal/wal-index.ts';
import type { ObjectStore, StoreLocation } from '../../storage/object-store.ts';
import { TaskPool } from '../../task-pool.ts';
import { errorFromMessage, startWorker } from '../../worker-thread.ts';
import type { RecoveryPlan } from '../recovery/recovery-plan.ts';
import type { KeepOut } from '../tablespaces/foreign-places.ts';
import { decideFetch, type FetchAnswer, type FetchScope } from './fetch-decision.ts';
import { FetchDirectory } from './fetch-directory.ts';
import type { CutOff, FetchResult, FetchTask, FetchWorkerData } from './fetch-messages.ts';

const THREADS = 2;
/** Segments kept ready ahead of the one that was asked for, and the bytes they may take. */
const AHEAD = 8;
const AHEAD_BYTES = 256 * 1024 * 1024;
/** Changes are told by the kernel; this is for file systems that tell none. */
const LOOK_INTERVAL = 200;
/** How long a repository that does not answer is asked again, before PostgreSQL is told. */
const PATIENCE = 60_000;
const RETRY_INTERVAL = 1_000;

export interface FetchServerOptions {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly plan: Pick<RecoveryPlan, 'archive' | 'path' | 'from' | 'until'>;
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Which tablespaces the log may not make: those of servers on this host, unless told otherwise. */
  readonly keepOut?: KeepOut | undefined;
  /** A file could not be given: PostgreSQL ends its recovery with an error. */
  readonly onFailure: (error: LarderError) => void;
  /** Something was asked for. */
  readonly onWant?: () => void;
}

/** Gives a recovering server the files of the archive, and has the next ones ready before they are asked for. */
export class FetchServer {
  readonly #options: FetchServerOptions;
  readonly #archive: ArchiveRecord;
  readonly #pool: TaskPool<FetchTask, FetchResult>;
  readonly #running = new Map<string, Promise<void>>();
  /** Segments beyond `#ahead` that lie ready, are on their way, or could not be had. */
  readonly #fetchedAhead = new Map<string, { readonly number: bigint; failed: boolean }>();
  #scope: FetchScope;
  /** Of the scope's index: an archive may have a hundred thousand segments. */
  #find: FindSegment;
  readonly #directory: FetchDirectory;
  #wake: () => void = () => undefined;
  readonly #cutOffs: CutOff[] = [];

  private constructor(options: FetchServerOptions, scope: FetchScope, directory: FetchDirectory) {
    const workerData: FetchWorkerData = { location: options.location };
    this.#options = options;
    this.#archive = options.plan.archive;
    this.#scope = scope;
    this.#find = segmentFinder(scope.index);
    this.#directory = directory;
    this.#pool = new TaskPool(() => startWorker(import.meta.url, 'fetch-worker', { workerData }), {
      threads: THREADS,
    });
  }

  /**
   * Reads the archive and takes the directory: from now on files may be asked for.
   * @throws LarderError what keeps the archive from being read
   */
  static async open(options: FetchServerOptions): Promise<FetchServer> {
    const { store, location, plan } = options;
    await openRepository(store, location);
    const index = await readWalIndex(store, plan.archive);
    const directory = await FetchDirectory.open(options.dataDirectory);
    return new FetchServer(options, { ...plan, index }, directory);
  }

  /**
   * Why the log was not given to its end, where that is what ended the recovery.
   * @param redoDone start of the last record that was replayed: segments are fetched long before they are needed
   */
  cutOffAt(redoDone: Lsn | undefined): LarderError | undefined {
    const found = this.#cutOffs.find(({ before }) => before === redoDone);
    return found === undefined ? undefined : errorFromMessage(found.error);
  }

  /** Serves until the signal aborts, then removes the directory. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#serve(signal);
    } finally {
      await this.#pool.close();
      await Promise.allSettled(this.#running.values());
      await this.#directory.close();
    }
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const watcher = watch(this.#directory.path, () => this.#wake());
    try {
      while (!signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        this.#wake = () => resolve(undefined);
        await this.#look();
        await Promise.race([
          promise,
          this.#options.clock.sleep(LOOK_INTERVAL, signal).catch(() => undefined),
        ]);
      }
    } finally {
      watcher.close();
    }
  }

  async #look(): Promise<void> {
    const fetching = new Set(this.#running.keys());
    const { wanted, ready } = await this.#directory.look();
    for (const file of wanted) {
      this.#options.onWant?.();
      this.#once(`${file} wanted`, () => this.#give(file));
    }
    this.#advance(ready, fetching);
    if (this.#ahead !== undefined) this.#prefetch(this.#ahead);
  }

  /** The newest segment that PostgreSQL asked for, or took. */
  #ahead: bigint | undefined;

  /** What was fetched ahead and does not lie there any more was taken, without a word. */
  #advance(ready: ReadonlySet<string>, fetching: ReadonlySet<string>): void {
    for (const [file, { number, failed }] of this.#fetchedAhead) {
      const taken = !failed && !ready.has(file) && !fetching.has(fetchKey(file));
      if (!taken || number <= (this.#ahead ?? 0n)) continue;
      this.#options.onWant?.();
      this.#ahead = number;
    }
    for (const [file, { number }] of this.#fetchedAhead) {
      if (number <= (this.#ahead ?? 0n)) this.#fetchedAhead.delete(file);
    }
  }

  #once(key: string, work: () => Promise<void>): void {
    if (this.#running.has(key)) return;
    const running = work().finally(() => {
      this.#running.delete(key);
      // it may have been asked for again meanwhile
      this.#wake();
    });
    this.#running.set(key, running);
    running.catch(() => undefined);
  }

  async #give(file: string): Promise<void> {
    if (await this.#directory.accept(file)) return;
    try {
      const answer = await this.#repeatWhileUnreachable(() => this.#tryToGive(file));
      if (answer !== '') await this.#directory.put(`${file}${answer}`, '');
    } catch (thrown) {
      const error = toLarderError(thrown);
      this.#options.onFailure(error);
      await this.#directory.put(`${file}.failed`, `larder: ${error.message} [${error.code}]\n`);
    }
  }

  async #tryToGive(file: string): Promise<'' | '.absent'> {
    const answer = decideFetch(file, this.#scope);
    try {
      if (answer.kind === 'segment' || answer.kind === 'history') return await this.#carryOut(file, answer);
    } catch (error) {
      if (toLarderError(error).code !== 'OBJECT_MISSING') throw error;
    }
    // tails give way to their whole segment and the archive grows: before anything is denied, it is looked at again
    const { store, location } = this.#options;
    await openRepository(store, location);
    this.#scope = { ...this.#scope, index: await readWalIndex(store, this.#archive) };
    this.#find = segmentFinder(this.#scope.index);
    return this.#carryOut(file, decideFetch(file, this.#scope));
  }

  async #carryOut(file: string, answer: FetchAnswer): Promise<'' | '.absent'> {
    switch (answer.kind) {
      case 'absent':
        return '.absent';
      case 'missing':
        throw new LarderError('OBJECT_MISSING', answer.message);
      case 'history': {
        const text = await readHistoryText(
          this.#options.store,
          this.#archive.systemIdentifier,
          answer.timeline,
        );
        await this.#directory.put(file, text);
        return '';
      }
      case 'segment':
        this.#ahead = answer.stored.segment.number;
        this.#fetchedAhead.delete(file);
        await this.#fetch(file, answer.stored);
        return '';
    }
  }

  /** One fetch of a file at a time, whoever asks for it. */
  async #fetch(file: string, stored: StoredSegment): Promise<void> {
    const key = fetchKey(file);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const { path, owner } = this.#directory;
    const { path: timelines } = this.#scope;
    const { segmentSize } = this.#archive;
    const expected = { segment: stored.segment, ...this.#archive };
    const number = stored.segment.number + 1n;
    // what lies behind the plan may be damaged, which is why it ends there
    const next =
      number * BigInt(segmentSize) < this.#scope.until
        ? segmentOnPath(this.#find, timelines, number, segmentSize)
        : undefined;
    const { dataDirectory, keepOut = 'occupied' } = this.#options;
    const fetched = this.#pool
      .run({ stored, target: `${path}/${file}`, owner, expected, next, dataDirectory, keepOut })
      .then(({ cutOff }) => {
        if (cutOff !== undefined) this.#cutOffs.push(cutOff);
      })
      .finally(() => this.#running.delete(key));
    this.#running.set(key, fetched);
    return fetched;
  }

  #prefetch(from: bigint): void {
    const { segmentSize } = this.#archive;
    const { path, until } = this.#scope;
    const count = Math.max(2, Math.min(AHEAD, Math.floor(AHEAD_BYTES / segmentSize)));
    for (let number = from + 1n; number <= from + BigInt(count); number++) {
      if (number * BigInt(segmentSize) >= until) return;
      const stored = segmentOnPath(this.#find, path, number, segmentSize);
      if (stored === undefined || stored.end !== segmentSize) return;
      this.#fetchAhead(segmentName(stored.segment, segmentSize), stored);
    }
  }

  /** Once: what fails here fails again, and is told, when it is asked for. */
  #fetchAhead(file: string, stored: StoredSegment): void {
    if (this.#fetchedAhead.has(file) || this.#running.has(fetchKey(file))) return;
    const ahead = { number: stored.segment.number, failed: false };
    this.#fetchedAhead.set(file, ahead);
    this.#fetch(file, stored).catch(() => (ahead.failed = true));
  }

  async #repeatWhileUnreachable<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + PATIENCE;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const { code } = toLarderError(error);
        const mayPass = code === 'REPOSITORY_UNREACHABLE' || code === 'REPOSITORY_MISSING';
        if (!mayPass || clock.monotonic() > deadline) throw error;
        await clock.sleep(RETRY_INTERVAL);
      }
    }
  }
}

function fetchKey(file: string): string {
  return `${file} fetched`;
}
