import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { chainOf } from '../repository/backup-chain.ts';
import { readCatalogue, type Catalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { Job, JobContext, JobOutcome } from './job.ts';
import { proofOutcome, proveAndRecord, type ProofListener, type ProofSettings } from './prove.ts';

export interface RestoreTestParts {
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
  readonly workers: number;
  readonly proof: ProofSettings;
  readonly onProof?: ProofListener;
  /** This backup alone; the newest chain without it. */
  readonly backupId: string | undefined;
  readonly clock: Clock;
}

/**
 * Proves the newest full backup and the newest one that builds on it, at the level at which every value is read: whatever the
 * daily proofs leave out is looked at here. Rejects as `proveBackup` and `writeProof`, and with BACKUP_UNKNOWN.
 */
export function restoreTestJob(parts: RestoreTestParts): Job {
  return {
    task: 'restore_test',
    run: async (context) => {
      const outcomes: JobOutcome[] = [];
      for (const backup of backupsToTest(await readCatalogue(parts.store), parts.backupId))
        outcomes.push(await proveOne(parts, backup, context));
      return together(outcomes);
    },
  };
}

async function proveOne(
  parts: RestoreTestParts,
  backup: CommitRecord,
  { signal, progress }: JobContext,
): Promise<JobOutcome> {
  const { report, warnings } = await proveAndRecord(
    { ...parts, ...parts.proof, backup, level: 'full' },
    { clock: parts.clock, signal, onProgress: progress },
    parts.onProof,
  );
  return proofOutcome(backup, report, warnings);
}

/**
 * The newest complete full backup of which there is one, and the newest complete backup of its chain; or the one that was named.
 * @throws LarderError BACKUP_UNKNOWN
 */
export function backupsToTest({ backups }: Catalogue, named?: string): CommitRecord[] {
  if (named !== undefined) {
    const found = backups.find(({ id }) => id === named);
    if (found !== undefined) return [found];
    throw new LarderError('BACKUP_UNKNOWN', `there is no backup ${named} that can be read`);
  }
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  const complete = backups.filter(({ state }) => state === 'complete');
  const full = complete.findLast(({ type }) => type === 'full');
  if (full === undefined) throw new LarderError('BACKUP_UNKNOWN', 'there is no complete full backup to test');
  const tip = complete.findLast((backup) => chainOf(backup, byId)?.[0] === full);
  return tip === undefined || tip === full ? [full] : [full, tip];
}

/** One outcome of all: the first problem counts, the newest backup is what the run was about. */
function together(outcomes: readonly JobOutcome[]): JobOutcome {
  const last = outcomes.at(-1);
  const problem = outcomes.find((outcome) => outcome.problem !== undefined)?.problem;
  const remarks = outcomes.flatMap(({ remark }) => remark ?? []);
  return {
    ...(last?.backupId === undefined ? {} : { backupId: last.backupId }),
    sourceBytes: outcomes.reduce((sum, { sourceBytes = 0 }) => sum + sourceBytes, 0),
    warnings: outcomes.flatMap(({ warnings }) => warnings),
    ...(remarks.length === 0 ? {} : { remark: remarks.join('; ') }),
    ...(problem === undefined ? {} : { problem }),
  };
}
