import type { Clock } from './clock.ts';
import { backupRequest, knowsBackup, receiverRequest, type ClusterParts } from './cluster-parts.ts';
import { drillRequest, secondSiteRequest } from './cluster-drills.ts';
import { proofSettings } from './cluster-proofs.ts';
import { proofRecords } from './cluster-report.ts';
import type { Config } from './config/config.ts';
import { backupJob } from './jobs/backup.ts';
import { drillJob } from './jobs/drill.ts';
import type { Job, Task } from './jobs/job.ts';
import { restoreTestJob } from './jobs/restore-test.ts';
import { retentionJob } from './jobs/retention.ts';
import { sealJob } from './jobs/seal.ts';
import { secondSiteTestJob } from './jobs/second-site-test.ts';
import { verifyJob } from './jobs/verify.ts';
import { pruneRequest } from './prune-request.ts';
import { readProcessIdentity } from './process-identity.ts';
import { recordProof } from './report/record-proof.ts';
import type { BackupType } from './repository/layout.ts';
import type { History } from './scheduler/history.ts';
import type { ReceiverNotice } from './transaction-log/receiver-request.ts';
import type { DrillReport, ProofReport } from './verify/proof-report.ts';

export interface ClusterJobsParts {
  readonly parts: ClusterParts;
  readonly history: History;
  readonly clock: Clock;
  readonly stateDirectory: string;
  /** Where what proofs came to is written down. */
  readonly report: Config['report'];
  readonly larderVersion: string;
  readonly onNotice: (notice: ReceiverNotice) => void;
  /** Told of the backups that retention has removed. */
  readonly onRemoved: (ids: readonly string[]) => void;
}

/** The job that does a task on a cluster; about one backup, where the task is about one. */
export function clusterJobs(options: ClusterJobsParts): (task: Task, backupId?: string) => Job {
  const { parts, clock, larderVersion, stateDirectory, onNotice } = options;
  const processIdentity = readProcessIdentity();
  const proof = proofSettings(parts.config, stateDirectory, larderVersion);
  const records = proofRecords(options, parts.config.name, { actor: 'service', clock });
  const onProof = (report: ProofReport | DrillReport): Promise<readonly string[]> =>
    recordProof(report, records);
  const holding = { clock, random: Math.random, onReport: onProof };
  return (task, backupId) => {
    switch (task) {
      case 'backup_full':
        return backup(options, 'full');
      case 'backup_incremental':
        return backup(options, 'incremental');
      case 'transaction_log':
        return sealJob({
          request: receiverRequest(parts, stateDirectory),
          limit: parts.config.transactionLog.sealTimeout,
          larderVersion,
          clock,
          processIdentity,
          onNotice,
        });
      case 'verify':
        return verifyJob({
          ...parts,
          workers: parts.config.workers,
          receives: parts.config.transactionLog.receive,
          level: parts.config.verify.level,
          proof,
          onProof,
          backupId,
          clock,
        });
      case 'restore_test':
        return restoreTestJob({
          ...parts,
          workers: parts.config.workers,
          proof,
          onProof,
          backupId,
          clock,
        });
      case 'drill':
        return drillJob({ task, request: drillRequest(parts, proof), ...holding });
      case 'second_site_test': {
        const request = secondSiteRequest(parts, proof);
        return secondSiteTestJob(request === undefined ? undefined : { request, ...holding });
      }
      case 'retention':
        return retentionJob({
          request: pruneRequest(parts, options),
          clock,
          processIdentity,
          onResult: ({ removedBackups }) => options.onRemoved(removedBackups),
        });
    }
  };
}

function backup({ parts, history, clock, larderVersion }: ClusterJobsParts, type: BackupType): Job {
  return backupJob({
    request: backupRequest(parts, larderVersion, type),
    clock,
    processIdentity: readProcessIdentity(),
    repositoryExpected: () => knowsBackup(history, parts.config.name),
  });
}
