import { chainOf } from '../repository/backup-chain.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { parseBackupId } from '../repository/layout.ts';
import { alwaysKept } from './always-kept.ts';
import { byCalendar } from './by-calendar.ts';
import { closure } from './closure.ts';
import type { RetentionPolicy } from './policy.ts';
import { byLineage } from './rated-backup.ts';
import type { ExpiredRule, KeepReason } from './reason.ts';
import type { RetentionView } from './view.ts';

/** What becomes of one backup, and all the reasons. */
export interface BackupVerdict {
  readonly id: string;
  /** undefined where it cannot be read. */
  readonly record: CommitRecord | undefined;
  readonly keep: boolean;
  /** Why it is kept; empty for one that is not. */
  readonly reasons: readonly KeepReason[];
  /** Which rules kept it until when, for one that is not kept. */
  readonly expired: readonly ExpiredRule[];
}

/**
 * Decides for every backup whether it is kept. Pure: the same catalogue, holds, policy and time give the same answer.
 *
 * Never removed are the newest good backup, the newest verified one, as many full ones as the floor says, what is held,
 * what the promised window is reached from, and whatever any kept backup builds on. What cannot be read, what may be
 * needed by it, and what lies ahead of the clock is kept: unknown is not absent.
 * @param now ms since 1970 UTC
 * @returns in the order of their starts
 */
export function planBackups(view: RetentionView, policy: RetentionPolicy, now: number): BackupVerdict[] {
  const own = new Map<string, KeepReason[]>();
  const add = (id: string, reason: KeepReason): void => {
    const reasons = own.get(id);
    if (reasons === undefined) own.set(id, [reason]);
    else reasons.push(reason);
  };
  const rules = new Map<string, ExpiredRule[]>();
  const lineages = byLineage(view, now);
  for (const backups of lineages.values()) {
    for (const [id, rule] of byCalendar(backups, policy)) {
      if (now < rule.until) add(id, rule);
      else rules.set(id, [...(rules.get(id) ?? []), rule]);
    }
    for (const [id, reason] of alwaysKept(backups, { view, policy, now })) add(id, reason);
  }
  for (const [id, reason] of heldOrUnknown(view, now)) add(id, reason);
  const needed = closure(view, new Set(own.keys()));
  for (const [id, reason] of needed) add(id, reason);
  return verdicts(view, own, rules);
}

function heldOrUnknown(view: RetentionView, now: number): [string, KeepReason][] {
  const found: [string, KeepReason][] = [];
  for (const { backup, until, reason } of view.holds) {
    if (until === undefined || now < until) found.push([backup, { kind: 'held', until, reason }]);
  }
  for (const { id, problem } of view.unreadable) found.push([id, { kind: 'unreadable', problem }]);
  const unreadable = new Set(view.unreadable.map(({ id }) => id));
  const byId = new Map(view.backups.map((backup) => [backup.id, backup]));
  for (const backup of view.backups) {
    const started = Date.parse(backup.startTime);
    if (started > now) found.push([backup.id, { kind: 'ahead', started }]);
    const by = unreadableMember(backup, byId, unreadable);
    if (by !== undefined) found.push([backup.id, { kind: 'chain-unreadable', by }]);
  }
  return found;
}

/** The first backup on the way to the full one whose record cannot be read: nobody can tell whether this one is good. */
function unreadableMember(
  backup: CommitRecord,
  byId: ReadonlyMap<string, CommitRecord>,
  unreadable: ReadonlySet<string>,
): string | undefined {
  if (chainOf(backup, byId) !== undefined) return undefined;
  const seen = new Set<string>();
  for (let next: CommitRecord | undefined = backup; next !== undefined && !seen.has(next.id);) {
    seen.add(next.id);
    if (next.parent !== null && unreadable.has(next.parent)) return next.parent;
    next = next.parent === null ? undefined : byId.get(next.parent);
  }
  return unreadable.has(backup.chain) ? backup.chain : undefined;
}

function verdicts(
  view: RetentionView,
  own: ReadonlyMap<string, readonly KeepReason[]>,
  rules: ReadonlyMap<string, readonly ExpiredRule[]>,
): BackupVerdict[] {
  const records = new Map<string, CommitRecord | undefined>(view.unreadable.map(({ id }) => [id, undefined]));
  for (const backup of view.backups) records.set(backup.id, backup);
  const all = [...records].map(([id, record]): BackupVerdict => {
    const reasons = own.get(id) ?? [];
    const keep = reasons.length > 0;
    return { id, record, keep, reasons, expired: keep ? [] : (rules.get(id) ?? []) };
  });
  return all.sort((a, b) => startOf(a) - startOf(b) || (a.id < b.id ? -1 : 1));
}

function startOf({ id, record }: BackupVerdict): number {
  return record === undefined ? (parseBackupId(id)?.started ?? 0) : Date.parse(record.startTime);
}
