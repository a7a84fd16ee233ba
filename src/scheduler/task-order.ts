import type { Task } from '../jobs/job.ts';

/**
 * What waits for what: of each lane a cluster runs one at a time. The transaction log never waits behind anything, and no backup
 * behind a proof, which takes as long as a restore.
 */
export type Lane = 'heavy' | 'proof' | 'log';

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
  if (task === 'transaction_log') return 'log';
  return PROOFS.has(task) ? 'proof' : 'heavy';
}

const PROOFS: ReadonlySet<Task> = new Set(['verify', 'restore_test', 'drill', 'second_site_test']);

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
