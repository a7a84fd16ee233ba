import type { Lsn } from '../../postgres/lsn.ts';
import type { ExpectedSegment } from '../../postgres/wal-page.ts';
import type { StoredSegment } from '../../repository/wal/stored-segment.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import type { ErrorMessage } from '../../worker-thread.ts';
import type { Owner } from '../durable.ts';
import type { KeepOut } from '../tablespaces/foreign-places.ts';

export interface FetchWorkerData {
  readonly location: StoreLocation;
}

/** One segment to be put into a directory, whole. */
export interface FetchTask {
  readonly stored: StoredSegment;
  /** Absolute path; the file appears there whole. */
  readonly target: string;
  readonly owner: Owner | undefined;
  readonly expected: ExpectedSegment;
  /** The segment behind it, into which its last record may go on; undefined where none is stored. */
  readonly next: StoredSegment | undefined;
  /** Of the copy that will replay it. */
  readonly dataDirectory: string;
  /** Which tablespaces the log may not make. */
  readonly keepOut: KeepOut;
}

export interface FetchResult {
  /** Of the segment, stored. */
  readonly bytes: number;
  readonly cutOff?: CutOff | undefined;
}

/** The segment ends before a record that must not be replayed. */
export interface CutOff {
  /** Where that record begins. */
  readonly at: Lsn;
  /** Where the one before it does: PostgreSQL says that it came so far. */
  readonly before: Lsn;
  readonly error: ErrorMessage;
}
