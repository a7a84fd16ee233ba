import { formatLsn } from '../postgres/lsn.ts';
import type { ExpiryMark } from '../repository/expiry-mark.ts';
import type { BackupVerdict } from '../retention/plan.ts';
import type { LogReason, LogVerdict, TimelineVerdict } from '../retention/plan-log.ts';
import type { RetentionPolicy } from '../retention/policy.ts';
import type { PruneResult } from '../retention/prune.ts';
import { keepText, removeText } from '../retention/reason.ts';
import type { RetentionPlan } from '../retention/retention-plan.ts';
import { stepsOf } from '../retention/steps.ts';
import { formatBytes, formatTime, plural, printable } from './format.ts';
import { formatPairs, formatTable } from './table.ts';

/** A plan beside what is needed to tell when it is carried out. */
export interface ShownPlan {
  readonly plan: RetentionPlan;
  readonly marks: readonly ExpiryMark[];
  readonly policy: RetentionPolicy;
}

/** What would be done, for a reader: every backup with its reasons, then the log, then the sum. */
export function planText(shown: ShownPlan): string {
  const { plan } = shown;
  const due = dueBackups(shown);
  const rows = plan.backups.map((verdict) => [
    verdict.id,
    verdict.record === undefined ? '-' : formatBytes(verdict.record.storedBytes),
    verdictText(verdict, due, shown),
    whyText(verdict),
  ]);
  const table = formatTable(
    [{ title: 'BACKUP' }, { title: 'STORED', right: true }, { title: 'VERDICT' }, { title: 'WHY' }],
    rows,
  );
  const { all, now } = freedBytes(shown);
  const sum = `\nTo be removed: ${formatBytes(all)}, of it ${formatBytes(now)} by the next run.\n`;
  return `${rows.length === 0 ? 'There are no backups.\n' : table}${plan.logs.map(logText).join('')}${sum}`;
}

/** The same for programs. */
export function planJson(shown: ShownPlan): object {
  const { plan, policy } = shown;
  const due = dueBackups(shown);
  return {
    time: new Date(plan.now).toISOString(),
    policy,
    backups: plan.backups.map((verdict) => backupJson(verdict, due, shown)),
    logs: plan.logs.map(logJson),
    bytes: freedBytes(shown),
  };
}

function backupJson(verdict: BackupVerdict, due: ReadonlySet<string>, shown: ShownPlan): object {
  const { id, record, keep, reasons, expired } = verdict;
  const removable = removableFrom(verdict, shown);
  return {
    id,
    type: record?.type ?? null,
    bytes: record?.storedBytes ?? null,
    keep,
    reasons: keep
      ? reasons.map((reason) => ({ ...reason, text: keepText(reason) }))
      : expired.map((rule) => ({ ...rule, text: removeText(rule) })),
    due: due.has(id),
    removableFrom: removable === undefined ? null : new Date(removable).toISOString(),
  };
}

function dueBackups({ plan, marks, policy }: ShownPlan): Set<string> {
  return new Set(stepsOf(plan, marks, policy).backups.map(({ id }) => id));
}

/** When the mark of a backup will have stood long enough; undefined where it is kept or not marked yet. */
function removableFrom({ id, keep }: BackupVerdict, { plan, marks, policy }: ShownPlan): number | undefined {
  const marked = keep ? undefined : marks.find(({ of }) => of === id)?.marked;
  return marked === undefined || marked > plan.now ? undefined : marked + policy.grace;
}

function verdictText(verdict: BackupVerdict, due: ReadonlySet<string>, shown: ShownPlan): string {
  if (verdict.keep) return 'keep';
  if (due.has(verdict.id)) return 'remove';
  const from = removableFrom(verdict, shown);
  return from === undefined
    ? 'mark'
    : `marked, to be removed from ${formatTime(new Date(from).toISOString())} on`;
}

function whyText({ keep, reasons, expired }: BackupVerdict): string {
  return (keep ? reasons.map(keepText) : expired.map(removeText)).join('; ');
}

function logText({ systemIdentifier, timelines, kept }: LogVerdict): string {
  if (kept !== undefined) return `\nlog of system ${systemIdentifier}: all is kept: ${printable(kept)}\n`;
  const pairs = timelines.map((each) => [`timeline ${each.timeline}`, timelineText(each)] as const);
  return `\nlog of system ${systemIdentifier}\n${formatPairs(pairs)}`;
}

function timelineText({ keepFrom, because, removable }: TimelineVerdict): string {
  const bytes = formatBytes(sum(removable));
  const before =
    removable.length === 0 ? 'nothing goes' : `${plural(removable.length, 'object')} go, ${bytes}`;
  if (because === undefined) return `${before}: no backup and no point of the promised window needs it`;
  return `kept from ${formatLsn(keepFrom)} on (${logReasonText(because)}); ${before}`;
}

function logReasonText(reason: LogReason): string {
  switch (reason.kind) {
    case 'backup':
      return `from ${reason.id} on it leads through the promised window`;
    case 'young':
      return 'written within the promised window';
    case 'resume':
      return 'the receiver goes on from there';
  }
}

function logJson({ systemIdentifier, timelines, kept }: LogVerdict): object {
  return {
    systemIdentifier,
    kept: kept ?? null,
    timelines: timelines.map(({ timeline, keepFrom, because, removable }) => ({
      timeline,
      keepFrom: formatLsn(keepFrom),
      because: because ?? null,
      objects: removable.length,
      bytes: sum(removable),
    })),
  };
}

function freedBytes({ plan, marks, policy }: ShownPlan): { readonly all: number; readonly now: number } {
  const steps = stepsOf(plan, marks, policy);
  const backups = plan.backups.flatMap(({ keep, record }) => (keep ? [] : (record ?? [])));
  const logs = plan.logs.flatMap(({ timelines }) => timelines.flatMap(({ removable }) => removable));
  const stored = (records: readonly { readonly storedBytes: number }[]): number =>
    records.reduce((total, { storedBytes }) => total + storedBytes, 0);
  return {
    all: stored(backups) + sum(logs),
    now: stored(steps.backups) + sum(steps.logs.flatMap(({ objects }) => objects)),
  };
}

function sum(objects: readonly { readonly size: number }[]): number {
  return objects.reduce((total, { size }) => total + size, 0);
}

/** What was done, for a reader. */
export function resultText(result: PruneResult, { grace }: Pick<RetentionPolicy, 'grace'>): string {
  const { removedBackups, removedLogObjects, freedBytes: freed, marked, unmarked, plan } = result;
  const from = formatTime(new Date(plan.now + grace).toISOString());
  const kept = plan.backups.filter(({ keep }) => keep).length;
  return formatPairs([
    ['kept', plural(kept, 'backup')],
    [
      'removed',
      `${plural(removedBackups.length, 'backup')}, ${plural(removedLogObjects, 'object')} of the log, ${formatBytes(freed)}`,
    ],
    ...removedBackups.map((id) => ['', id] as const),
    ['marked', marked === 0 ? 'nothing more' : `${marked} more, to be removed from ${from} on`],
    ...(unmarked === 0 ? [] : [['unmarked', String(unmarked)] as const]),
    ...plan.logs.flatMap(({ systemIdentifier, kept: why }) =>
      why === undefined ? [] : [['log', `all of system ${systemIdentifier} is kept: ${why}`] as const],
    ),
  ]);
}

/** The same for programs. */
export function resultJson({ plan, ...result }: PruneResult): object {
  return { time: new Date(plan.now).toISOString(), ...result };
}
