import type { RetentionView } from './view.ts';
import type { RetentionPolicy } from './policy.ts';
import type { RatedBackup } from './rated-backup.ts';
import type { KeepReason } from './reason.ts';
import { windowStart, windowAnchors } from './window.ts';

interface Circumstances {
  readonly view: Pick<RetentionView, 'verified' | 'logs'>;
  readonly policy: RetentionPolicy;
  readonly now: number;
}

type Kept = [id: string, reason: KeepReason];

/**
 * What is kept of a lineage whatever its age. Backups that were never verified count towards the floor only as far as the
 * verified ones do not reach it.
 * @param backups oldest first
 */
export function alwaysKept(backups: readonly RatedBackup[], { view, policy, now }: Circumstances): Kept[] {
  const good = backups.filter((backup) => backup.good);
  const verified = good.filter(({ id }) => view.verified.has(id));
  return [
    ...newest(good),
    ...verified.slice(-1).map(({ id }): Kept => [id, { kind: 'newest-verified' }]),
    ...floor(good, verified, policy.floor),
    ...inWindow(backups, { view, policy, now }),
    ...withoutSuccessor(backups),
  ];
}

/** By time and, where a clock was wrong, by the log: a backup that seems old may be the newest there is. */
function newest(good: readonly RatedBackup[]): Kept[] {
  const last = good.at(-1);
  if (last === undefined) return [];
  const furthest = good.reduce((best, backup) => (isBehind(best, backup) ? backup : best));
  const kept: Kept[] = [[last.id, { kind: 'newest', by: 'time' }]];
  if (furthest.id !== last.id) kept.push([furthest.id, { kind: 'newest', by: 'log' }]);
  return kept;
}

function isBehind(a: RatedBackup, b: RatedBackup): boolean {
  return a.timeline === b.timeline ? a.stopLsn <= b.stopLsn : a.timeline < b.timeline;
}

function floor(good: readonly RatedBackup[], verified: readonly RatedBackup[], count: number): Kept[] {
  const isFull = ({ record }: RatedBackup): boolean => record.type === 'full';
  const proven = verified.filter(isFull).slice(-count);
  const others = good.filter((backup) => isFull(backup) && !proven.includes(backup));
  const missing = count - proven.length;
  return [
    ...proven.map(({ id }): Kept => [id, { kind: 'floor', floor: count, verified: true }]),
    ...(missing > 0 ? others.slice(-missing) : []).map(({ id }): Kept => [
      id,
      { kind: 'floor', floor: count, verified: false },
    ]),
  ];
}

function inWindow(backups: readonly RatedBackup[], { view, policy, now }: Circumstances): Kept[] {
  const from = windowStart(policy, now);
  return [...windowAnchors(backups, view.logs, from)].map(({ id }): Kept => [id, { kind: 'window', from }]);
}

/** Damaged pages are better than none. */
function withoutSuccessor(backups: readonly RatedBackup[]): Kept[] {
  const last = backups.findLastIndex(({ good }) => good);
  const behind = backups.slice(last + 1).filter(({ record }) => record.state === 'corrupt_source');
  return behind.map(({ id }) => [id, { kind: 'no-successor' }]);
}
