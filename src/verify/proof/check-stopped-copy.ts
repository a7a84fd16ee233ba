import type { CommitRecord } from '../../repository/commit-record.ts';
import type { Check } from '../proof-report.ts';
import { timedCheck } from './answer.ts';
import { checkPages } from './checks/page-check.ts';
import type { ProofContext } from './proof-context.ts';
import type { RunningCopy } from './start-copy.ts';

export interface StoppedCheck {
  readonly backup: CommitRecord;
  readonly workers: number;
  /** See `PageLook`. */
  readonly touchedSince?: number | undefined;
}

/** Every page of a copy whose server was stopped in good order. */
export function checkStopped(
  { dataDirectory }: Pick<RunningCopy, 'dataDirectory'>,
  { backup, workers, touchedSince }: StoppedCheck,
  { clock, signal, onProgress }: ProofContext,
): Promise<Check> {
  const checksums = backup.dataChecksums === true;
  return timedCheck('page_checksums', clock, () =>
    checkPages({
      dataDirectory,
      checksums,
      workers,
      touchedSince,
      signal,
      onProgress: (doneBytes) =>
        onProgress({ phase: 'reading pages', doneBytes, totalBytes: backup.sourceBytes }),
    }),
  );
}
