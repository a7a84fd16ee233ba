import { LarderError } from '../../errors.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import { WalRecordReader, type WalEnd } from '../../postgres/wal-records.ts';
import type { WalRecord } from '../../postgres/wal-record.ts';
import { readTransactionEnd } from '../../postgres/wal-transactions.ts';
import type { ArchiveRecord } from '../../repository/wal/archive-record.ts';
import {
  readStoredSegment,
  segmentFinder,
  segmentOnPath,
  type FindSegment,
  type StoredSegment,
} from '../../repository/wal/stored-segment.ts';
import type { TimelinePath } from '../../repository/wal/timeline-path.ts';
import type { WalIndex } from '../../repository/wal/wal-index.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Reach } from './reach.ts';

/** A stretch of the stored log on one path of timelines. */
export class StoredLog {
  readonly archive: ArchiveRecord;
  readonly #store: ObjectStore;
  readonly #path: TimelinePath;
  readonly #find: FindSegment;
  readonly #size: bigint;

  constructor(
    store: ObjectStore,
    {
      archive,
      index,
      path,
    }: { readonly archive: ArchiveRecord; readonly index: WalIndex; readonly path: TimelinePath },
  ) {
    this.archive = archive;
    this.#store = store;
    this.#path = path;
    this.#find = segmentFinder(index);
    this.#size = BigInt(archive.segmentSize);
  }

  /** The stored segments that hold [from, until), in order; those that are not stored are left out. */
  segments(from: Lsn, until: Lsn): StoredSegment[] {
    const found: StoredSegment[] = [];
    for (let number = from / this.#size; number * this.#size < until; number++) {
      const stored = this.#segment(number);
      if (stored !== undefined) found.push(stored);
    }
    return found;
  }

  /**
   * The last complete record before `until` that `accept` takes, and what it made of it. Looked for backwards, a segment
   * at a time, since it nearly always lies in the last one.
   * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, the store's errors
   */
  async findLast<T>(
    from: Lsn,
    until: Lsn,
    accept: (record: WalRecord) => T | undefined,
  ): Promise<T | undefined> {
    const first = from / this.#size;
    if (until <= from) return undefined;
    for (let number = (until - 1n) / this.#size; number >= first; number--) {
      let last: T | undefined;
      // from the segment before on: a record may begin there and end here
      const begin = number > first && this.#segment(number - 1n) !== undefined ? number - 1n : number;
      for await (const record of this.records(begin * this.#size, until)) last = accept(record) ?? last;
      if (last !== undefined) return last;
    }
    return undefined;
  }

  /**
   * When the last transaction that ended behind `from` ended, microseconds; `undefined` when none did.
   * @throws LarderError as `findLast`
   */
  lastTransaction({
    from,
    stored,
    until,
  }: Pick<Reach, 'from' | 'stored' | 'until'>): Promise<bigint | undefined> {
    return this.findLast(stored, until, (record) =>
      record.start < from ? undefined : readTransactionEnd(record, this.archive.major)?.time,
    );
  }

  /**
   * Every complete record of the segments that hold [from, until), whole segments at their beginning. A record is valid
   * only until the next one.
   * @throws LarderError OBJECT_MISSING; OBJECT_DAMAGED, also when something else than the log lies before `until`, where
   *   PostgreSQL would end its recovery; the store's errors
   */
  async *records(from: Lsn, until: Lsn): AsyncGenerator<WalRecord> {
    const { segmentSize, major } = this.archive;
    const start = from - (from % this.#size);
    const reader = new WalRecordReader({ start, segmentSize, check: 'crc', major });
    for (let number = from / this.#size; number * this.#size < until; number++) {
      const stored = this.#segment(number);
      if (stored === undefined) throw this.#missing(number);
      const limit = Number(until - number * this.#size);
      let position = 0;
      for await (const bytes of readStoredSegment(this.#store, stored)) {
        yield* reader.push(bytes.subarray(0, Math.max(0, limit - position)));
        position += bytes.length;
        if (reader.ended !== undefined) throw this.#unreadable(stored, reader.ended);
      }
    }
  }

  #segment(number: bigint): StoredSegment | undefined {
    return segmentOnPath(this.#find, this.#path, number, this.archive.segmentSize);
  }

  #unreadable({ pieces, segment }: StoredSegment, { position, reason, detail }: WalEnd): LarderError {
    const what = detail ?? (reason === 'zeros' ? 'zeros are stored there' : 'something else is stored there');
    const object = pieces[0]?.object ?? `segment ${segment.number}`;
    return new LarderError(
      'OBJECT_DAMAGED',
      `${object}: the log cannot be read from ${formatLsn(position)} on: ${what}`,
    );
  }

  #missing(number: bigint): LarderError {
    return new LarderError(
      'OBJECT_MISSING',
      `the segment at ${formatLsn(number * this.#size)} is not stored on timeline ${this.#path.timeline}`,
    );
  }
}
