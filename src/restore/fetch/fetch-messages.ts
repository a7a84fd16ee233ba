import type { ExpectedSegment } from '../../postgres/wal-page.ts';
import type { StoredSegment } from '../../repository/wal/stored-segment.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import type { Owner } from '../durable.ts';

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
}
