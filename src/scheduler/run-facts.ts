import type { Task } from '../jobs/job.ts';
import type { Attempt } from './due.ts';
import type { RunRecord } from './run-record.ts';
import { isBackup } from './task-order.ts';

const CLOCK_TOLERANCE_MS = 3_600_000;

/** What a run on record means for what is due. */
export function attemptOf({ started, ended, slot, reason, result }: RunRecord): Attempt {
  const common = {
    started,
    ...(slot === undefined ? {} : { slot }),
    ...(ended === undefined ? {} : { ended }),
    ...(reason === 'manual' ? { byCommand: true } : {}),
  };
  if (result === 'interrupted') return { ...common, state: 'interrupted' };
  return { ...common, state: ended === undefined ? 'running' : 'over' };
}

/** Milliseconds the last successful run took; 0 where none is on record. */
export function expectedDuration(runs: readonly RunRecord[]): number {
  const last = runs.findLast(({ result }) => result === 'success');
  return (last?.durationSeconds ?? 0) * 1000;
}

/** Whether the newest backup, by the history or the repository, was begun longer ago than `rpo` milliseconds. */
export function isOverdue(
  runs: readonly RunRecord[],
  facts: {
    readonly now: number;
    readonly rpo: number;
    readonly newest: ReadonlyMap<Task, number | 'none' | 'unknown'>;
  },
): boolean {
  const made = runs
    .filter(({ task, result }) => isBackup(task) && result === 'success')
    .map(({ started }) => started);
  const stored = [...facts.newest.values()].filter((each) => typeof each === 'number');
  // what a wrong clock dated ahead says nothing of how old the newest one is
  const newest = Math.max(
    ...[...made, ...stored].filter((started) => started <= facts.now + CLOCK_TOLERANCE_MS),
  );
  return newest < facts.now - facts.rpo;
}

export function lastBackupFailed(runs: readonly RunRecord[]): boolean {
  const last = runs.findLast(
    ({ task, result }) =>
      isBackup(task) && result !== undefined && result !== 'coalesced' && result !== 'skipped',
  );
  return last?.result === 'failure' || last?.result === 'timeout';
}
