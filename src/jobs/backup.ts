import type { BackupProgress } from '../backup/progress.ts';
import type { BackupRequest } from '../backup/backup-run.ts';
import { takeBackup } from '../backup/take-backup.ts';
import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { expectRepository } from '../repository/expect-repository.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import type { Job, JobOutcome, JobProgress } from './job.ts';

export interface BackupJobParts {
  readonly request: BackupRequest;
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  /** Whether the repository must be there already, because backups were stored in it before. */
  readonly repositoryExpected: () => Promise<boolean>;
}

/**
 * Takes a backup. A backup of a damaged cluster is kept and ends the run with SOURCE_CORRUPT. Rejects as
 * `takeBackup`, and with REPOSITORY_MISSING where an expected repository is gone.
 */
export function backupJob(parts: BackupJobParts): Job {
  const { request, clock, processIdentity } = parts;
  return {
    task: request.type === 'full' ? 'backup_full' : 'backup_incremental',
    run: async ({ signal, progress }) => {
      if (await parts.repositoryExpected()) {
        await expectRepository(request.store, request.location, request.cluster);
      }
      const onProgress = (step: BackupProgress): void => progress(jobProgress(step));
      return outcomeOf(await takeBackup(request, { clock, processIdentity, signal, onProgress }));
    },
  };
}

function jobProgress({ phase, doneBytes, totalBytes }: BackupProgress): JobProgress {
  return { phase, doneBytes, ...(totalBytes === undefined ? {} : { totalBytes }) };
}

/** What a commit record means for the run that wrote it. */
export function outcomeOf(record: CommitRecord): JobOutcome {
  const { id, state, sourceBytes, storedBytes, warnings, fullBecause } = record;
  const remark = typeof fullBecause === 'string' ? { remark: `a full backup: ${fullBecause}` } : {};
  const outcome = { backupId: id, sourceBytes, storedBytes, warnings, ...remark };
  return state === 'complete' ? outcome : { ...outcome, problem: sourceCorrupt(id) };
}

function sourceCorrupt(id: string): LarderError {
  return new LarderError(
    'SOURCE_CORRUPT',
    `the cluster holds damaged pages: ${id} keeps them as they are, and is no good backup`,
    {
      hint: 'Find them with pg_amcheck, repair the cluster or restore an earlier backup; no earlier backup was touched.',
    },
  );
}
