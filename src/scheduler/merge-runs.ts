import type { RunRecord } from './run-record.ts';
import { isBackup } from './task-order.ts';

/** Names of results have whole seconds. */
const SECOND_MS = 1000;
/** How far the clock of a store may be from ours for a proof to be known by its time. */
const TOLERANCE_MS = 60_000;

/** Of the runs that a repository tells of, those that are not on record. */
export function unknownRuns(onRecord: readonly RunRecord[], found: readonly RunRecord[]): RunRecord[] {
  return found.filter((run) => !onRecord.some((known) => isSame(known, run)));
}

/**
 * Puts runs among those on record, each behind the last one that began before it. The order of records is what decides where
 * clocks have jumped: what is old must not stand behind what is new.
 */
export function mergeRuns(onRecord: readonly RunRecord[], added: readonly RunRecord[]): RunRecord[] {
  const merged = [...onRecord];
  for (const run of added.toSorted((a, b) => a.started - b.started)) {
    merged.splice(merged.findLastIndex(({ started }) => started <= run.started) + 1, 0, run);
  }
  return merged;
}

function isSame(known: RunRecord, found: RunRecord): boolean {
  if (known.id === found.id) return true;
  if (known.cluster !== found.cluster) return false;
  const isOfKind = isBackup(found.task) ? isBackup(known.task) : known.task === found.task;
  if (!isOfKind) return false;
  // it goes on, and its result is in the repository already
  if (known.result === undefined) return known.started <= found.started + SECOND_MS;
  if (known.result === 'interrupted' || known.backupId !== found.backupId) return false;
  return isBackup(found.task) || spans(known, found);
}

/** Seals and proofs have no names in the history: the run that made one began before it and ended behind it. */
function spans(known: RunRecord, found: RunRecord): boolean {
  const [ended, foundEnd] = [known.ended ?? known.started, found.ended ?? found.started];
  return known.started <= found.started + TOLERANCE_MS && foundEnd <= ended + TOLERANCE_MS;
}
