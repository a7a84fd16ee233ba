import type { Clock } from '../clock.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import type { Session as SqlSession } from '../postgres/sql/session.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import type { BackupType } from '../repository/layout.ts';
import type { Lease } from '../repository/lease.ts';
import type { Repository } from '../repository/repository.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { ChangeAccount } from './change-account.ts';
import type { ChangesFrom } from './changes-from.ts';
import type { Fingerprint } from './fingerprint/take-fingerprint.ts';
import type { FrameWriters } from './frame-writers.ts';
import type { ParentBackup } from './intake/parent-backup.ts';
import type { ReportProgress } from './progress.ts';
import type { BackupSource } from './sources/source.ts';

export interface BackupRequest {
  /** The configured name of the cluster; becomes part of the id. */
  readonly cluster: string;
  readonly connection: ConnectionSettings;
  readonly store: ObjectStore;
  /** The same store, for the worker threads. */
  readonly location: StoreLocation;
  /** zstd level; 0 stores as it is. */
  readonly compressionLevel: number;
  /** Threads that compress. */
  readonly workers: number;
  /** How long to wait for another writer of this repository before giving up, milliseconds. */
  readonly leaseWait: number;
  readonly larderVersion: string;
  /** `incremental` becomes a full backup, and says why, where no earlier one can be built on. */
  readonly type: BackupType;
  /** How the backup is to learn what changed; `server` only where it keeps an account (`chooseChangesFrom`). */
  readonly changesFrom: ChangesFrom;
  /** Incremental backups that may build on one full backup. */
  readonly maxChain: number;
  /** The id of the backup that must be the parent; undefined for the newest that can be. */
  readonly parent: string | undefined;
}

export interface BackupContext {
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  readonly signal: AbortSignal;
  readonly onProgress: ReportProgress;
}

/** What all attempts of one run share. */
export interface Session extends BackupContext {
  readonly request: BackupRequest;
  readonly source: BackupSource;
  readonly identity: ServerIdentity;
  /** An ordinary connection to the same server; undefined where it allows this role none. */
  readonly sql: SqlSession | undefined;
  readonly changesFrom: ChangesFrom;
  readonly repository: Repository;
  readonly lease: Lease;
  readonly frameWriters: FrameWriters;
  readonly fingerprint: Fingerprint;
  readonly warnings: readonly string[];
}

/** What the steps of one backup share. */
export interface Run extends Session {
  readonly id: string;
  readonly started: number;
  /** undefined for a full backup. */
  readonly parent: ParentBackup | undefined;
  readonly fullBecause: string | undefined;
  /** What the server tells of the changes since the parent; undefined where it is not asked for them. */
  readonly account: ChangeAccount | undefined;
}
