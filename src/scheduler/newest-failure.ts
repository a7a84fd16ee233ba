import type { RunRecord } from './run-record.ts';

/**
 * What the newest run of a backup of a cluster failed with; `undefined` where it succeeded, and where none ever came to an
 * end. A run that was ended from outside says nothing of the next one: the one before it counts.
 * @param runs oldest first
 */
export function newestFailure(runs: readonly RunRecord[], cluster: string): string | undefined {
  const newest = runs.findLast(
    ({ cluster: own, task, result }) =>
      own === cluster && task.startsWith('backup_') && result !== undefined && SAYS_SOMETHING.has(result),
  );
  if (newest === undefined || newest.result === 'success') return undefined;
  const { task, started, errorMessage, result } = newest;
  return `${task} of ${new Date(started).toISOString()}: ${errorMessage ?? result ?? 'no details'}`;
}

const SAYS_SOMETHING: ReadonlySet<string> = new Set(['success', 'failure', 'timeout']);
