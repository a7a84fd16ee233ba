import type { CommitRecord } from '../repository/commit-record.ts';
import { parseBackupId } from '../repository/layout.ts';
import type { RetentionView } from './view.ts';
import type { KeepReason } from './reason.ts';

/**
 * What has to be kept because of what is kept: the backups that a kept one builds on, as far as there are records of them,
 * and everything that an incremental backup whose record cannot be read may build on.
 */
export function closure(
  view: Pick<RetentionView, 'backups' | 'unreadable'>,
  kept: ReadonlySet<string>,
): [id: string, reason: KeepReason][] {
  const byId = new Map(view.backups.map((backup) => [backup.id, backup]));
  const dependants = new Map<string, CommitRecord[]>();
  const reasons: [string, KeepReason][] = [];
  const all = new Set(kept);
  for (const { id } of view.unreadable) {
    for (const older of view.backups.filter((backup) => mayBeNeeded(backup, id))) {
      reasons.push([older.id, { kind: 'maybe-needed', by: id }]);
      all.add(older.id);
    }
  }
  // a set is iterated over what is added meanwhile
  for (const id of all) {
    for (const needed of neededBy(byId.get(id), byId)) all.add(needed);
  }
  for (const id of all) {
    const backup = byId.get(id);
    if (backup === undefined) continue;
    for (const needed of neededBy(backup, byId))
      dependants.set(needed, [...(dependants.get(needed) ?? []), backup]);
  }
  for (const [id, builders] of dependants) {
    const newest = builders.reduce((best, each) => (best.startTime < each.startTime ? each : best));
    reasons.push([id, { kind: 'needed', by: newest.id, count: builders.length }]);
  }
  return reasons;
}

/** Every backup that one builds on, however far up; where one of them is missing, those that are still known of. */
export function neededBy(
  backup: CommitRecord | undefined,
  byId: ReadonlyMap<string, CommitRecord>,
): Set<string> {
  const needed = new Set<string>();
  const seen = new Set<CommitRecord>();
  for (let next = backup; next !== undefined && !seen.has(next);) {
    seen.add(next);
    for (const id of [next.chain, next.parent ?? next.chain]) if (id !== backup?.id) needed.add(id);
    next = next.parent === null ? undefined : byId.get(next.parent);
  }
  return needed;
}

/** Chains are of one cluster, and what a backup builds on is older. */
function mayBeNeeded({ id: older }: CommitRecord, unreadable: string): boolean {
  const [a, b] = [parseBackupId(older), parseBackupId(unreadable)];
  if (a === undefined || b?.type !== 'incremental') return false;
  return a.cluster === b.cluster && a.started < b.started;
}
