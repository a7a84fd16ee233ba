import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { findBackup } from '../repository/catalogue.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { VerifyReport } from '../verify/report.ts';
import { verifyObjects } from '../verify/verify-objects.ts';
import type { Job } from './job.ts';

export interface VerifyJobParts {
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
  readonly workers: number;
  /** The backup; the newest one without it. */
  readonly backupId: string | undefined;
  readonly clock: Clock;
}

/**
 * Verifies a backup at the level of stored bytes. What it finds ends the run with VERIFICATION_FAILED; rejects as
 * `findBackup` and `verifyObjects`.
 */
export function verifyJob({ store, location, workers, backupId, clock }: VerifyJobParts): Job {
  return {
    task: 'verify',
    run: async ({ signal, progress }) => {
      const backup = await findBackup(store, backupId ?? 'latest');
      const report = await verifyObjects(
        { store, location, workers, backup },
        {
          clock,
          signal,
          onProgress: ({ part, ...done }) =>
            progress({ phase: part === 'backup' ? 'verifying' : 'reading the log', ...done }),
        },
      );
      const outcome = { backupId: backup.id, sourceBytes: report.bytes, warnings: [] };
      return report.findings.length === 0 ? outcome : { ...outcome, problem: verificationFailed(report) };
    },
  };
}

/** The error for a backup that is not sound; names the first finding. */
export function verificationFailed({ backup, findings }: VerifyReport): LarderError {
  const [first] = findings;
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return new LarderError(
    'VERIFICATION_FAILED',
    `${backup} is not sound: ${count}${first === undefined ? '' : `, first: ${first.message}`}`,
    {
      hint: 'Take a new full backup now (larder backup --full) and keep this one until that is verified; then look at the storage.',
    },
  );
}
