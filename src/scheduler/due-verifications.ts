import type { RunRecord } from './run-record.ts';
import { isBackup } from './task-order.ts';

/** A verification whose process died with it this often is left alone. */
const DEATHS = 3;

/**
 * The backups that are to be verified, oldest first: each that a run of the cluster made since the last one that was
 * verified or is being, and each whose verification was interrupted. Where none ever was, the newest alone: a repository
 * of years is not read through at once.
 *
 * @param runs of one cluster, in the order in which they were put on record
 */
export function dueVerifications(runs: readonly RunRecord[], afterBackup: boolean): string[] {
  const verifications = Map.groupBy(
    runs.filter(
      ({ task, backupId, reason }) => task === 'verify' && backupId !== undefined && reason !== 'manual',
    ),
    ({ backupId = '' }) => backupId,
  );
  const isSettled = (id: string): boolean => isOver(verifications.get(id) ?? []);
  const made = afterBackup ? madeBy(runs) : [];
  const last = made.findLastIndex(isSettled);
  const unverified = last < 0 ? made.slice(-1) : made.slice(last + 1);
  const interrupted = [...verifications.keys()].filter((id) => !isSettled(id));
  return [...new Set([...interrupted, ...unverified])];
}

function madeBy(runs: readonly RunRecord[]): string[] {
  return runs
    .filter(({ task, result }) => isBackup(task) && result === 'success')
    .flatMap(({ backupId }) => (backupId === undefined ? [] : [backupId]));
}

function isOver(runs: readonly RunRecord[]): boolean {
  if (runs.some(({ result }) => result !== 'interrupted')) return true;
  return runs.filter(({ ended }) => ended === undefined).length >= DEATHS;
}
