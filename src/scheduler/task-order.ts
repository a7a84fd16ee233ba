import type { Task } from '../jobs/job.ts';

/**
 * What waits for what. Of the heavy kinds a cluster runs one at a time: they read all of the repository or of the server.
 * The transaction log never waits behind them.
 */
export type Lane = 'heavy' | 'log';

/** What is due together runs in this order: the log first, then what makes backups, then proofs, and deletion last. */
const ORDER: readonly Task[] = [
  'transaction_log',
  'backup_full',
  'backup_incremental',
  'verify',
  'restore_test',
  'drill',
  'second_site_test',
  'retention',
];

export function laneOf(task: Task): Lane {
  return task === 'transaction_log' ? 'log' : 'heavy';
}

/** Smaller runs sooner. */
export function rankOf(task: Task): number {
  return ORDER.indexOf(task);
}

/** Whether it reads a server whole: of all clusters, only so many do that at the same time. */
export function isBackup(task: Task): task is 'backup_full' | 'backup_incremental' {
  return task === 'backup_full' || task === 'backup_incremental';
}

/** What one of the pending runs does for the task too: a full backup holds all that an incremental one would. */
export function coversTask(pending: Task, task: Task): boolean {
  return pending === 'backup_full' && task === 'backup_incremental';
}
