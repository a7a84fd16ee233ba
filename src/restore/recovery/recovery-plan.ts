import type { Lsn } from '../../postgres/lsn.ts';
import type { ArchiveRecord } from '../../repository/wal/archive-record.ts';
import type { TimelinePath } from '../../repository/wal/timeline-path.ts';

/** Where replay stops: PostgreSQL's own targets, one of them always set. */
export type RecoveryTarget =
  /** Behind the last complete record of the archive, which begins at `lsn`: everything there is. */
  | { readonly kind: 'end'; readonly lsn: Lsn }
  /** Microseconds since 1970 UTC. */
  | { readonly kind: 'time'; readonly time: bigint; readonly inclusive: boolean }
  | { readonly kind: 'lsn'; readonly lsn: Lsn; readonly inclusive: boolean }
  | { readonly kind: 'xid'; readonly transaction: number; readonly inclusive: boolean }
  | { readonly kind: 'name'; readonly name: string };

export type RecoveryAction = 'promote' | 'pause' | 'shutdown';

/**
 * How a restored backup is rolled forward. There is always a target, also when everything is wanted: a server that runs
 * out of WAL before it ends with an error, where without one it would be promoted with less than was asked for.
 */
export interface RecoveryPlan {
  readonly archive: ArchiveRecord;
  readonly path: TimelinePath;
  /** The backup's stop position: up to the end of its segment the backup carries its own WAL. */
  readonly from: Lsn;
  /** Everything from `from` up to here is stored on the path. */
  readonly until: Lsn;
  readonly target: RecoveryTarget;
  readonly action: RecoveryAction;
}
