import type { Gauge, Registry } from 'prom-client';
import type { BackupFacts } from './backup-facts.ts';
import {
  BACKUP_STATES,
  BACKUP_TYPES,
  newestBackup,
  newestGoodBackup,
  oldestGoodBackup,
} from './backup-facts.ts';
import { gaugeFactory, seconds } from './gauges.ts';
import type { RepositoryFacts } from './repository-survey.ts';
import { sizeDeviation } from './size-deviation.ts';

export interface Space {
  readonly capacityBytes: number;
  readonly freeBytes: number;
}

export interface RepositoryLabels {
  readonly cluster: string;
  readonly repo: string;
}

export interface RepositoryObjectives extends RepositoryLabels {
  /** How full the file system may be, 0 to 1. */
  readonly storageRatio: number;
  /** How many good full backups there are to be, once there was time for them. */
  readonly backupsMin: number;
}

/** The series of repositories and the backups in them. */
export class RepositoryMetrics {
  readonly #backups: Gauge<'cluster' | 'repo' | 'type' | 'state'>;
  readonly #used: Gauge<'cluster' | 'repo' | 'kind'>;
  readonly #ofType: ReturnType<typeof typeGauges>;
  readonly #ofBackups: ReturnType<typeof backupGauges>;
  readonly #repository: ReturnType<typeof repositoryGauges>;
  readonly #pageChecksumErrors: Gauge<'cluster'>;

  constructor(registry: Registry, repositories: readonly RepositoryObjectives[]) {
    this.#ofType = typeGauges(registry);
    this.#ofBackups = backupGauges(registry);
    this.#repository = repositoryGauges(registry);
    this.#backups = gaugeFactory(registry, ['cluster', 'repo', 'type', 'state'])(
      'backups',
      'Backups in the repository by type and state',
    );
    this.#used = gaugeFactory(registry, ['cluster', 'repo', 'kind'])(
      'repo_used_bytes',
      'Stored bytes of backups by type, and of the transaction log',
    );
    this.#pageChecksumErrors = gaugeFactory(registry, ['cluster'])(
      'backup_page_checksum_errors',
      'Damaged pages in the newest backup',
    );
    for (const { cluster, repo, storageRatio, backupsMin } of repositories) {
      for (const gauge of Object.values(this.#repository)) gauge.set({ repo }, 0);
      for (const gauge of Object.values(this.#ofBackups)) gauge.set({ cluster, repo }, 0);
      this.#backupsSeen({ cluster, repo }, []);
      for (const kind of [...BACKUP_TYPES, 'wal']) this.#used.set({ cluster, repo, kind }, 0);
      this.#ofBackups.min.set({ cluster, repo }, backupsMin);
      this.#repository.storageTarget.set({ repo }, storageRatio);
    }
  }

  surveyed(labels: RepositoryLabels, facts: RepositoryFacts): void {
    const { backups, backupBytes, log, restoreSeconds } = facts;
    this.#backupsSeen(labels, backups);
    this.#ofBackups.restoreSeconds.set(labels, restoreSeconds ?? 0);
    for (const type of BACKUP_TYPES) this.#used.set({ ...labels, kind: type }, backupBytes[type]);
    this.#used.set({ ...labels, kind: 'wal' }, log.storedBytes);
  }

  /** `at` in milliseconds since 1970 UTC. While it is down, what was last known of its backups and space stays. */
  checked(repo: string, up: boolean, at: number): void {
    this.#repository.up.set({ repo }, up ? 1 : 0);
    this.#repository.lastCheck.set({ repo }, seconds(at));
  }

  measured(repo: string, { capacityBytes, freeBytes }: Space): void {
    this.#repository.capacity.set({ repo }, capacityBytes);
    this.#repository.free.set({ repo }, freeBytes);
  }

  #backupsSeen(labels: RepositoryLabels, backups: readonly BackupFacts[]): void {
    for (const type of BACKUP_TYPES) {
      const ofType = backups.filter((backup) => backup.type === type);
      for (const state of BACKUP_STATES) {
        const count = ofType.filter((backup) => backup.state === state).length;
        this.#backups.set({ ...labels, type, state }, count);
      }
      this.#typeSeen({ ...labels, type }, ofType);
    }
    this.#ofBackups.chainLength.set(labels, newestGoodBackup(backups)?.chainLength ?? 0);
    this.#pageChecksumErrors.set({ cluster: labels.cluster }, newestBackup(backups)?.pageChecksumErrors ?? 0);
    this.#proofsSeen(
      labels,
      backups.filter(({ state, verified }) => state === 'good' && verified !== undefined),
    );
  }

  #typeSeen(labels: RepositoryLabels & { readonly type: string }, ofType: readonly BackupFacts[]): void {
    const newest = newestGoodBackup(ofType);
    this.#ofType.lastSuccess.set(labels, seconds(newest?.ended ?? 0));
    this.#ofType.oldest.set(labels, seconds(oldestGoodBackup(ofType)?.ended ?? 0));
    this.#ofType.sourceBytes.set(labels, newest?.sourceBytes ?? 0);
    this.#ofType.storedBytes.set(labels, newest?.storedBytes ?? 0);
    this.#ofType.sizeDeviation.set(labels, sizeDeviation(ofType));
  }

  #proofsSeen(labels: RepositoryLabels, proven: readonly BackupFacts[]): void {
    const stored = proven.reduce((newest, { verified = 0 }) => Math.max(newest, verified), 0);
    this.#ofBackups.verified.set(labels, proven.length);
    this.#ofBackups.lastVerified.set(labels, seconds(newestBackup(proven)?.ended ?? 0));
    this.#ofBackups.lastProof.set(labels, seconds(stored));
  }
}

function typeGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster', 'repo', 'type']);
  return {
    lastSuccess: gauge('backup_last_success_timestamp_seconds', 'End of the newest good backup, 0 = none'),
    oldest: gauge('backup_oldest_timestamp_seconds', 'End of the oldest good backup, 0 = none'),
    sourceBytes: gauge('backup_last_source_bytes', 'Size of the newest good backup before compression'),
    storedBytes: gauge('backup_last_stored_bytes', 'Size of the newest good backup as stored'),
    sizeDeviation: gauge(
      'backup_last_size_deviation_ratio',
      'Stored size of the newest good backup by the median of up to 7 before it, 1 while there are fewer than 3',
    ),
  };
}

function backupGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster', 'repo']);
  return {
    min: gauge('backups_min', 'Objective: how many good full backups are kept whatever their age'),
    chainLength: gauge('backup_chain_length', 'Incremental backups that the newest good backup is made of'),
    verified: gauge('backups_verified', 'Good backups that a real restore has proven'),
    lastVerified: gauge(
      'last_verified_backup_timestamp_seconds',
      'End of the newest good backup that a real restore has proven, 0 = none',
    ),
    restoreSeconds: gauge(
      'last_proof_restore_seconds',
      'How long that backup took to be restored, started and rolled forward, 0 = not known',
    ),
    lastProof: gauge(
      'last_backup_proof_timestamp_seconds',
      'When a real restore last proved a backup that is still good, 0 = never',
    ),
  };
}

function repositoryGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['repo']);
  return {
    up: gauge('repo_up', '1 if the repository could be read at the last check'),
    lastCheck: gauge('repo_last_check_timestamp_seconds', 'When the repository was last checked, 0 = never'),
    capacity: gauge('repo_capacity_bytes', 'Size of the file system or quota, 0 = not known'),
    free: gauge('repo_free_bytes', 'Free space in the file system or quota'),
    storageTarget: gauge('repo_usage_target_ratio', 'Objective: how full the file system may be, 0 to 1'),
  };
}
