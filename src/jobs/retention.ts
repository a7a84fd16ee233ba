import type { Clock } from '../clock.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import { prune, type PruneRequest, type PruneResult } from '../retention/prune.ts';
import type { Job, JobOutcome } from './job.ts';

export interface RetentionJobParts {
  readonly request: PruneRequest;
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  /** Told what was done, for who shows it. */
  readonly onResult?: (result: PruneResult) => void;
}

/** Marks and removes what the policy does not keep. Rejects as `prune`. */
export function retentionJob({ request, clock, processIdentity, onResult }: RetentionJobParts): Job {
  return {
    task: 'retention',
    run: async ({ signal, progress }) => {
      const result = await prune(request, {
        clock,
        processIdentity,
        signal,
        onProgress: ({ phase, freedBytes }) => progress({ phase, doneBytes: freedBytes }),
      });
      onResult?.(result);
      return outcomeOf(result);
    },
  };
}

function outcomeOf(result: PruneResult): JobOutcome {
  const { plan, removedBackups, removedLogObjects, freedBytes, marked } = result;
  const removed = `removed ${removedBackups.length} backups and ${removedLogObjects} objects of the log, ${freedBytes} bytes`;
  const unreadable = plan.backups.filter(({ record }) => record === undefined);
  const keptLogs = plan.logs.flatMap(({ systemIdentifier, kept }) =>
    kept === undefined ? [] : [`nothing of the log of system ${systemIdentifier} was removed: ${kept}`],
  );
  return {
    warnings: [...unreadable.map(({ id }) => `the commit record of ${id} cannot be read`), ...keptLogs],
    remark: `${removed}; marked ${marked} more`,
  };
}
