import type { ExpectedSegment } from '../postgres/wal-page.ts';
import type { StoreLocation } from '../storage/object-store.ts';

export interface ArchiveWorkerData {
  readonly location: StoreLocation;
  /** zstd level; 0 stores as it is. */
  readonly level: number;
}

/** One object to make from the bytes [from, to) of a spool file. */
export interface ArchiveTask {
  /** Absolute path of the spool file. */
  readonly path: string;
  readonly object: string;
  readonly from: number;
  readonly to: number;
  /** What the segment must be; a tail that does not begin with the segment has no header to check. */
  readonly expected: ExpectedSegment;
}
