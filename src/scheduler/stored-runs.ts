import type { CommitRecord } from '../repository/commit-record.ts';
import type { ProofRecordName } from '../repository/layout.ts';
import type { SealRecord } from '../repository/wal/seal-record.ts';
import type { RunRecord } from './run-record.ts';

/** The record of a proof, and when it was stored: milliseconds since 1970 UTC, by the store's clock. */
export interface StoredProof extends ProofRecordName {
  readonly at: number;
}

/** What a repository keeps of runs. */
export interface StoredResults {
  readonly cluster: string;
  readonly backups: readonly CommitRecord[];
  readonly seals: readonly { readonly name: string; readonly record: SealRecord }[];
  readonly proofs: readonly StoredProof[];
}

/**
 * The runs that must have been, by their results; failures and what was removed leave none. Their ids are made of the results' names, so that
 * the same result is the same run.
 */
export function storedRuns({ cluster, backups, seals, proofs }: StoredResults): RunRecord[] {
  return [
    ...backups.map((record) => backupRun(cluster, record)),
    ...seals.map(({ name, record }) => sealRun(cluster, name, record)),
    ...proofs.map((proof) => proofRun(cluster, proof)),
  ].sort((a, b) => a.started - b.started);
}

function backupRun(cluster: string, record: CommitRecord): RunRecord {
  const { id, type, state, sourceBytes, storedBytes, warnings, writer } = record;
  const failure = {
    result: 'failure',
    errorCode: 'SOURCE_CORRUPT',
    errorMessage: `the cluster holds damaged pages: ${id} keeps them as they are, and is no good backup`,
  } as const;
  return {
    ...rebuilt(cluster, id, type === 'full' ? 'backup_full' : 'backup_incremental', {
      ...times(record),
      backupId: id,
      sourceBytes,
      storedBytes,
      warnings,
    }),
    ...(state === 'complete' ? {} : failure),
    process: { host: writer.host, pid: writer.process },
  };
}

function sealRun(cluster: string, name: string, record: SealRecord): RunRecord {
  const id = name.slice(name.lastIndexOf('/') + 1).replace(/\.meta$/, '');
  const { bytes: sourceBytes, to } = record;
  return rebuilt(cluster, id, 'transaction_log', {
    ...times(record),
    sourceBytes,
    remark: `sealed up to ${to}`,
  });
}

/** How long it took is in the record, which need not be read for that. */
function proofRun(cluster: string, { backup, result, number, at }: StoredProof): RunRecord {
  const failure = {
    result: 'failure',
    errorCode: 'VERIFICATION_FAILED',
    errorMessage: `${backup} is quarantined`,
  } as const;
  return {
    ...rebuilt(cluster, `${result}_${number}_${backup}`, 'verify', {
      started: at,
      ended: at,
      backupId: backup,
    }),
    ...(result === 'verified' ? {} : failure),
  };
}

function times(record: { readonly startTime: string; readonly endTime: string }) {
  const [started, ended] = [Date.parse(record.startTime), Date.parse(record.endTime)];
  return { started, ended, durationSeconds: Math.max(0, ended - started) / 1000 };
}

function rebuilt(
  cluster: string,
  result: string,
  task: RunRecord['task'],
  facts: Pick<RunRecord, 'started'> & Partial<RunRecord>,
): RunRecord {
  return {
    id: `rebuilt_${result}`,
    cluster,
    task,
    reason: 'rebuilt',
    result: 'success',
    // whoever did it is long over: what has an end is never looked at by its process
    process: { host: '', pid: 0 },
    ...facts,
  };
}
