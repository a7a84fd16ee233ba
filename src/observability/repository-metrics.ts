import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { BackupFacts, BackupState, BackupType } from './backup-facts.ts';
import { newestBackup, newestGoodBackup } from './backup-facts.ts';
import { gaugeFactory, seconds } from './gauges.ts';

const TYPES: readonly BackupType[] = ['full', 'incremental'];
const STATES: readonly BackupState[] = ['good', 'corrupt_source', 'damaged'];

export interface Space {
  readonly capacityBytes: number;
  readonly freeBytes: number;
}

/** The series of repositories and the backups in them. */
export class RepositoryMetrics {
  readonly #backups: Gauge<'cluster' | 'repo' | 'type' | 'state'>;
  readonly #newest: ReturnType<typeof newestGauges>;
  readonly #repository: ReturnType<typeof repositoryGauges>;
  readonly #pageChecksumErrors: Gauge<'cluster'>;

  constructor(registry: Registry, repositories: readonly { cluster: string; repo: string }[]) {
    this.#newest = newestGauges(registry);
    this.#repository = repositoryGauges(registry);
    this.#backups = new Gauge({
      name: 'larder_backups',
      help: 'Backups in the repository by type and state',
      labelNames: ['cluster', 'repo', 'type', 'state'],
      registers: [registry],
    });
    const ofCluster = gaugeFactory(registry, ['cluster']);
    this.#pageChecksumErrors = ofCluster('backup_page_checksum_errors', 'Damaged pages in the newest backup');
    for (const { cluster, repo } of repositories) {
      this.catalogueRead(cluster, repo, []);
      for (const gauge of Object.values(this.#repository)) gauge.set({ repo }, 0);
    }
  }

  catalogueRead(cluster: string, repo: string, backups: readonly BackupFacts[]): void {
    for (const type of TYPES) {
      const ofType = backups.filter((backup) => backup.type === type);
      for (const state of STATES) {
        const count = ofType.filter((backup) => backup.state === state).length;
        this.#backups.set({ cluster, repo, type, state }, count);
      }
      const newest = newestGoodBackup(ofType);
      const labels = { cluster, repo, type };
      this.#newest.lastSuccess.set(labels, seconds(newest?.ended ?? 0));
      this.#newest.sourceBytes.set(labels, newest?.sourceBytes ?? 0);
      this.#newest.storedBytes.set(labels, newest?.storedBytes ?? 0);
    }
    this.#pageChecksumErrors.set({ cluster }, newestBackup(backups)?.pageChecksumErrors ?? 0);
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
}

function newestGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster', 'repo', 'type']);
  return {
    lastSuccess: gauge('backup_last_success_timestamp_seconds', 'End of the newest good backup, 0 = none'),
    sourceBytes: gauge('backup_last_source_bytes', 'Size of the newest good backup before compression'),
    storedBytes: gauge('backup_last_stored_bytes', 'Size of the newest good backup as stored'),
  };
}

function repositoryGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['repo']);
  return {
    up: gauge('repo_up', '1 if the repository could be read at the last check'),
    lastCheck: gauge('repo_last_check_timestamp_seconds', 'When the repository was last checked, 0 = never'),
    capacity: gauge('repo_capacity_bytes', 'Size of the file system or quota, 0 = not known'),
    free: gauge('repo_free_bytes', 'Free space in the file system or quota'),
  };
}
