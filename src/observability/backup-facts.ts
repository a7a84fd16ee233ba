/** What metrics and health need to know of one backup in the repository. */
export interface BackupFacts {
  readonly id: string;
  readonly type: BackupType;
  readonly state: BackupState;
  /** Milliseconds since 1970 UTC. */
  readonly ended: number;
  readonly sourceBytes: number;
  readonly storedBytes: number;
  /** Pages of the cluster whose checksum was wrong when it was read. */
  readonly pageChecksumErrors: number;
}

export type BackupType = 'full' | 'incremental';
/** `corrupt_source`: stored as it was read, but the cluster itself was damaged. `damaged`: its objects are. */
export type BackupState = 'good' | 'corrupt_source' | 'damaged';

export function newestBackup(backups: readonly BackupFacts[]): BackupFacts | undefined {
  return backups.reduce<BackupFacts | undefined>(
    (newest, backup) => (newest === undefined || backup.ended > newest.ended ? backup : newest),
    undefined,
  );
}

export function newestGoodBackup(backups: readonly BackupFacts[]): BackupFacts | undefined {
  return newestBackup(backups.filter(({ state }) => state === 'good'));
}
