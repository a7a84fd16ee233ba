import type { BackupFacts } from '../../../src/observability/backup-facts.ts';
import type { ClusterMetricsOptions } from '../../../src/observability/metrics.ts';
import { NOTHING_STORED, type RepositoryFacts } from '../../../src/observability/repository-survey.ts';

/** A good full backup of a Sunday in November, as metrics and health see it. */
export function backupFacts(fields: Partial<BackupFacts> = {}): BackupFacts {
  return {
    id: 'full_backup_truck_20261122_020000',
    type: 'full',
    state: 'good',
    ended: Date.parse('2026-11-22T02:10:00Z'),
    sourceBytes: 1000,
    storedBytes: 400,
    pageChecksumErrors: 0,
    chainLength: 0,
    verified: undefined,
    end: { systemIdentifier: '7381902837465019283', timeline: 1, lsn: 0x4000158n },
    ...fields,
  };
}

/** What a repository holds: the given backups and nothing else. */
export function repositoryOf(
  backups: readonly BackupFacts[],
  more: Partial<RepositoryFacts> = {},
): RepositoryFacts {
  return { ...NOTHING_STORED, backups, ...more };
}

/** The objectives of a cluster with one job. */
export function metricsOptions(more: Partial<ClusterMetricsOptions> = {}): ClusterMetricsOptions {
  return {
    cluster: 'truck',
    repo: 'main',
    rpoSeconds: 86_400,
    rtoSeconds: 14_400,
    windowSeconds: 604_800,
    storageRatio: 0.8,
    backupsMin: 2,
    receives: true,
    maxRetainedBytes: 32e9,
    jobs: [{ task: 'backup_full', maxAgeSeconds: 700_000, timeoutSeconds: 3600 }],
    ...more,
  };
}

/** What a server says of itself. */
export const SERVER_SEEN = {
  version: '17.10',
  systemIdentifier: '7381902837465019283',
  timeline: 1,
  clockSkew: 0,
} as const;
