import type { Lsn } from '../postgres/lsn.ts';

/** What metrics and health need to know of one backup in the repository. Times are milliseconds since 1970 UTC. */
export interface BackupFacts {
  readonly id: string;
  readonly type: BackupType;
  readonly state: BackupState;
  readonly ended: number;
  readonly sourceBytes: number;
  readonly storedBytes: number;
  /** Pages of the cluster whose checksum was wrong when it was read. */
  readonly pageChecksumErrors: number;
  /** How many incremental backups its chain has up to and with it; 0 for a full one. */
  readonly chainLength: number;
  /** When its proof by a real restore was stored; undefined: it was not proven. */
  readonly verified: number | undefined;
  /** Where the log behind it begins; undefined where its record cannot be read. */
  readonly end: LogPosition | undefined;
}

export interface LogPosition {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly lsn: Lsn;
}

export type BackupType = 'full' | 'incremental';
export const BACKUP_TYPES: readonly BackupType[] = ['full', 'incremental'];

/**
 * `corrupt_source`: stored as it was read, but the cluster itself was damaged. `damaged`: its objects are. `quarantined`: a
 * restore of it did not pass.
 */
export type BackupState = 'good' | 'corrupt_source' | 'damaged' | 'quarantined';
export const BACKUP_STATES: readonly BackupState[] = ['good', 'corrupt_source', 'damaged', 'quarantined'];

export function newestBackup(backups: readonly BackupFacts[]): BackupFacts | undefined {
  return backups.reduce<BackupFacts | undefined>(
    (newest, backup) => (newest === undefined || backup.ended > newest.ended ? backup : newest),
    undefined,
  );
}

export function newestGoodBackup(backups: readonly BackupFacts[]): BackupFacts | undefined {
  return newestBackup(backups.filter(({ state }) => state === 'good'));
}

export function oldestGoodBackup(backups: readonly BackupFacts[]): BackupFacts | undefined {
  const good = backups.filter(({ state }) => state === 'good');
  return good.reduce<BackupFacts | undefined>(
    (oldest, backup) => (oldest === undefined || backup.ended < oldest.ended ? backup : oldest),
    undefined,
  );
}
