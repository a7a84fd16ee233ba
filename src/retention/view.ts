import type { CommitRecord } from '../repository/commit-record.ts';
import type { LogPaths } from './window.ts';

/** A hold that is not released. */
export interface ActiveHold {
  readonly backup: string;
  /** ms since 1970 UTC; undefined where the record cannot be read: then it holds. */
  readonly until: number | undefined;
  readonly reason: string;
}

/** Everything that the plan is made of. */
export interface RetentionView {
  /** As in the catalogue: oldest first. */
  readonly backups: readonly CommitRecord[];
  readonly unreadable: readonly { readonly id: string; readonly problem: string }[];
  /** Backups that a verification has proven. */
  readonly verified: ReadonlySet<string>;
  /** Backups whose last verification failed: neither they nor what builds on them counts as good. */
  readonly quarantined: ReadonlySet<string>;
  readonly holds: readonly ActiveHold[];
  /** Of each archive, the paths that points of the promised window lie on. */
  readonly logs: readonly LogPaths[];
}
