import { formatLsn } from '../postgres/lsn.ts';
import type { BackupVerdict } from '../retention/plan.ts';
import type { LogReason, LogVerdict, TimelineVerdict } from '../retention/plan-log.ts';
import type { RetentionPolicy } from '../retention/policy.ts';
import type { PruneResult } from '../retention/prune.ts';
import { keepText, removeText } from '../retention/reason.ts';
import { dueBackups, freedBytes, removableFrom, sizeOf, type ShownPlan } from '../retention/plan-view.ts';
import { formatBytes, formatTime, plural, printable } from '../format.ts';
import { formatPairs, formatTable } from './table.ts';

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
  const bytes = formatBytes(sizeOf(removable));
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
