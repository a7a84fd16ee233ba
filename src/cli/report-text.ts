import { formatBytes, formatDuration, formatTime, plural, printable } from '../format.ts';
import { moneyText } from '../report/money-text.ts';
import { verdictText, words } from '../report/proof-words.ts';
import type { StrategyReport } from '../report/strategy-report.ts';
import { formatPairs, formatTable, type Column } from './table.ts';

type Pair = readonly [name: string, value: string];

/** Rows of a list that a terminal shows; `--json` and the commands have them all. */
const MOST_ROWS = 12;

const VERDICTS: Readonly<Record<StrategyReport['verdict']['status'], string>> = {
  ok: 'ok',
  attention: 'ATTENTION',
  unknown: 'NOT KNOWN',
  failing: 'FAILING',
};

/** The report for a terminal: the verdict and its reasons, then section by section. */
export function reportText(report: StrategyReport): string {
  const sections: readonly (readonly [string, string])[] = [
    ['objectives', objectives(report)],
    ['recoverable', recoverable(report)],
    ['backups', backups(report)],
    ['restore tests and drills', proofs(report)],
    [`failures of the last ${formatDuration(report.periodSeconds)}`, failures(report)],
    ['storage', storage(report)],
    ['retention', retention(report)],
    ['next runs', schedule(report)],
    ['not known', unknown(report)],
  ];
  const shown = sections.filter(([, text]) => text !== '');
  return `${head(report)}${shown.map(([title, text]) => `\n${title}\n${indented(text)}`).join('')}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

function head({ cluster, repository, made, verdict, recovery }: StrategyReport): string {
  const lines = [
    `${cluster ?? repository}: ${VERDICTS[verdict.status]}. ${verdict.sentence}`,
    recovery?.sentence ?? 'What can be restored is not known: the repository cannot be read.',
    `As of ${formatTime(made)}; repository ${repository}.`,
    ...(verdict.reasons.length === 0 ? [] : ['']),
    ...verdict.reasons.map(({ status, text }) => `  ${VERDICTS[status].padEnd(10)} ${text}`),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function objectives({ objectives: { rpo, rto, storage: disk } }: StrategyReport): string {
  const pairs: Pair[] = [
    ['RPO now', against(rpo.now, rpo.targetSeconds, rpo.met)],
    ['RPO worst', `${durationOf(rpo.worst.seconds)}: ${rpo.worst.basis}`],
    ['RTO last', against(rto.last, rto.targetSeconds, rto.met)],
    ['RTO worst', `${durationOf(rto.worst.seconds)}: ${rto.worst.basis}`],
    [
      'storage',
      disk.used === null
        ? 'not known'
        : `${percent(disk.used)} of the file system used${disk.target === null ? '' : `, ${percent(disk.target)} allowed${metText(disk.met)}`}; ${formatBytes(disk.freeBytes ?? 0)} free`,
    ],
  ];
  return formatPairs(pairs);
}

function against(
  { seconds, basis }: StrategyReport['objectives']['rpo']['now'],
  target: number | null,
  met: boolean | null,
): string {
  const allowed = target === null ? '' : `, ${formatDuration(target)} allowed${metText(met)}`;
  return `${durationOf(seconds)}${allowed}; ${basis}`;
}

function metText(met: boolean | null): string {
  return met === null ? '' : met ? ': met' : ': NOT MET';
}

function durationOf(seconds: number | null): string {
  return seconds === null ? 'not known' : formatDuration(seconds);
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function recoverable({ recovery }: StrategyReport): string {
  if (recovery === null) return '';
  return formatPairs([
    ...recovery.windows.map(({ from, until, backup }): Pair => [
      'window',
      `${formatTime(from.time)} (${from.lsn}) - ${formatTime(until.time)} (${until.lsn}), from ${backup}`,
    ]),
    ...recovery.holes.map(({ from, to, segments, needed }): Pair => [
      'hole',
      `${from} - ${to}, segments ${segments}${needed ? '' : ', which every backup lies behind'}`,
    ]),
  ]);
}

const PROOFS = {
  proven: 'proven',
  proven_with_exceptions: 'proven, with exceptions',
  failed: 'FAILED',
  none: 'not proven',
} as const;

function backups({ recovery }: StrategyReport): string {
  if (recovery === null || recovery.backups.length === 0) return '';
  const columns: Column[] = [
    { title: 'ID' },
    { title: 'STARTED' },
    { title: 'TOOK', right: true },
    { title: 'STORED', right: true },
    { title: 'STATE' },
    { title: 'RESTORE TEST' },
  ];
  const rows = recovery.backups
    .toReversed()
    .map(({ id, started, seconds, storedBytes, state, proof }) => [
      id,
      formatTime(started),
      formatDuration(seconds),
      formatBytes(storedBytes),
      state === 'good' ? 'good' : words(state).toUpperCase(),
      PROOFS[proof],
    ]);
  return some(columns, rows, 'larder list');
}

function some(columns: readonly Column[], rows: readonly (readonly string[])[], all: string): string {
  const rest = rows.length - MOST_ROWS;
  return `${formatTable(columns, rows.slice(0, MOST_ROWS))}${rest > 0 ? `and ${rest} more: ${all}\n` : ''}`;
}

function proofs({ proofs: all }: StrategyReport): string {
  if (all === null) return 'their records cannot be read\n';
  if (all.length === 0) return 'none is on record\n';
  const columns: Column[] = [
    { title: 'BEGAN' },
    { title: 'WHAT' },
    { title: 'BACKUP' },
    { title: 'VERDICT' },
    { title: 'TOOK', right: true },
    { title: 'RTO', right: true },
    { title: 'LOST', right: true },
  ];
  const rows = all.map((proof) => [
    formatTime(proof.time),
    proof.name,
    proof.backup,
    `${verdictText(proof.verdict)}${proof.met === false ? ', objectives NOT MET' : ''}`,
    formatDuration(proof.seconds),
    proof.recoverySeconds === null ? '-' : formatDuration(proof.recoverySeconds),
    proof.lostSeconds === null ? '-' : formatDuration(proof.lostSeconds),
  ]);
  const [newest] = all;
  const wrong = (newest?.shortcomings ?? []).map((text) => `${printable(text)}\n`).join('');
  return `${some(columns, rows, 'larder report --json')}${wrong}`;
}

function failures({ runs }: StrategyReport): string {
  if (runs === null) return '';
  if (runs.failures.length === 0) return 'none\n';
  const rows = runs.failures.map(({ time, task, result, code, message }) => [
    formatTime(time),
    task,
    `${message ?? result}${code === null ? '' : ` [${code}]`}`,
  ]);
  const causes = runs.causes.map(({ code, count }) => `${code} ${count} times`).join(', ');
  return `${causes}\n${some([{ title: 'WHEN' }, { title: 'TASK' }, { title: 'WHY' }], rows, 'larder runs')}`;
}

function storage({ storage: stored, growth, cost }: StrategyReport): string {
  const rate = (bytes: number | null | undefined): string =>
    bytes === null || bytes === undefined
      ? 'not known'
      : `${signed(bytes)} a day, ${signed(bytes * 7)} a week`;
  const money = cost.perMonth === null ? '' : `${moneyText(cost.perMonth, cost.currency ?? '')} a month; `;
  return formatPairs([
    ...(stored?.parts ?? []).map(({ name, bytes, backups: count }): Pair => [
      name,
      `${formatBytes(bytes)}${count === null ? '' : `, ${plural(count, 'backup')}`}`,
    ]),
    ['in all', stored === null ? 'not known' : formatBytes(stored.totalBytes)],
    ['backups add', rate(growth?.storedBytesPerDay)],
    ['the log adds', rate(growth?.logBytesPerDay)],
    [
      'cluster grows',
      `${rate(growth?.sourceBytesPerDay)}; ${growth?.basis ?? 'the backups cannot be listed'}`,
    ],
    ['cost', `${money}${cost.basis}`],
  ]);
}

function signed(bytes: number): string {
  return bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes);
}

function retention({ retention: kept }: StrategyReport): string {
  if (kept === null) return '';
  const rows = kept.classes.map(({ name, wanted, kept: there, fulfilled, remark }) => [
    name,
    wanted,
    there,
    fulfilled === null ? 'not known' : fulfilled ? 'yes' : 'NO',
    remark ?? '',
  ]);
  const columns = ['RULE', 'WANTED', 'KEPT', 'FULFILLED', ''].map((title) => ({ title }));
  const removals = kept.removals.map(({ id, bytes, when }) => [
    id,
    bytes === null ? '-' : formatBytes(bytes),
    when,
  ]);
  const going =
    removals.length === 0
      ? ''
      : `\n${some([{ title: 'TO GO' }, { title: 'STORED', right: true }, { title: 'WHEN' }], removals, 'larder prune --dry-run')}`;
  return `${formatTable(columns, rows)}${going}`;
}

function schedule({ schedule: tasks }: StrategyReport): string {
  if (tasks === null) return '';
  const rows = tasks.map(({ task, when, next }) => [task, next === null ? '-' : formatTime(next), when]);
  return formatTable([{ title: 'TASK' }, { title: 'NEXT' }, { title: 'SCHEDULE' }], rows);
}

function unknown({ unknown: all }: StrategyReport): string {
  return formatPairs(all.map(({ what, why }): Pair => [what, why]));
}
