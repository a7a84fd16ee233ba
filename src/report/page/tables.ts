import { formatBytes, formatDuration, formatTime } from '../../format.ts';
import { moneyText } from '../money-text.ts';
import { verdictText, words } from '../proof-words.ts';
import type { ReportedProof, StrategyReport } from '../strategy-report.ts';
import { html, type Markup } from './html.ts';

/** More rows than anybody reads on a page; the commands list them all. */
const MOST_ROWS = 20;

type Cell = Markup | string;

interface Column {
  readonly title: string;
  readonly kind?: 'number' | 'fixed';
}

function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): Markup {
  const shown = rows.slice(0, MOST_ROWS);
  const kindOf = (index: number): string => columns[index]?.kind ?? '';
  return html`<div class="table">
      <table>
        <thead>
          <tr>
            ${columns.map(({ title }, index) => html`<th class="${kindOf(index)}">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (row) =>
              html`<tr>
                ${row.map((cell, index) => html`<td class="${kindOf(index)}">${cell}</td>`)}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
    ${rows.length > shown.length ? html`<p class="soft">and ${rows.length - shown.length} more</p>` : ''}`;
}

function mark(status: string, text: string): Markup {
  return html`<span class="mark is-${status}">${text}</span>`;
}

function pairMark([status, text]: readonly [status: string, text: string]): Markup {
  return mark(status, text);
}

function note(text: string): Markup {
  return html`<p class="soft">${text}</p>`;
}

export function proofsTable({ proofs }: StrategyReport): Markup {
  if (proofs === null) return note('Their records cannot be read.');
  if (proofs.length === 0) return note('None is on record.');
  const columns: Column[] = [
    { title: 'when', kind: 'fixed' },
    { title: 'what', kind: 'fixed' },
    { title: 'backup' },
    { title: 'verdict' },
    { title: 'checks', kind: 'fixed' },
    { title: 'took', kind: 'number' },
    { title: 'RTO', kind: 'number' },
    { title: 'lost', kind: 'number' },
  ];
  return table(
    columns,
    proofs.map((proof) => [
      formatTime(proof.time),
      proof.name,
      proof.backup,
      proofVerdict(proof),
      checksText(proof),
      html`<span
        title="${proof.phases.map(({ name, seconds }) => `${words(name)} ${formatDuration(seconds)}`).join(', ')}"
        >${formatDuration(proof.seconds)}</span
      >`,
      optional(proof.recoverySeconds, formatDuration),
      optional(proof.lostSeconds, formatDuration),
    ]),
  );
}

const PROOF_MARKS = { verified: 'ok', verified_with_exceptions: 'attention', failed: 'failing' } as const;

function proofVerdict({ verdict, met, shortcomings }: ReportedProof): Markup {
  const missed =
    met === false && verdict !== 'failed' ? html`<br />${mark('failing', 'objectives not met')}` : '';
  return html`${mark(PROOF_MARKS[verdict], verdictText(verdict))}${missed}${shortcomings.map((text) => html`<br />${text}`)}`;
}

function checksText({ checks: { passed, failed, excepted } }: ReportedProof): string {
  const parts = [
    `${passed} passed`,
    failed > 0 ? `${failed} failed` : '',
    excepted > 0 ? `${excepted} not looked at` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function optional(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}

const STATES = {
  good: ['ok', 'good'],
  damaged_source: ['failing', 'damaged source'],
  chain_broken: ['failing', 'chain broken'],
  quarantined: ['failing', 'in quarantine'],
} as const;

const PROOFS = {
  proven: ['ok', 'proven'],
  proven_with_exceptions: ['attention', 'proven, with exceptions'],
  failed: ['failing', 'FAILED'],
  none: ['none', 'not proven'],
} as const;

export function backupsTable({ recovery }: StrategyReport): Markup {
  if (recovery === null) return note('They cannot be listed.');
  const rows = recovery.backups
    .toReversed()
    .map((backup) => [
      backup.id,
      backup.type,
      formatTime(backup.started),
      formatDuration(backup.seconds),
      formatBytes(backup.sourceBytes),
      formatBytes(backup.storedBytes),
      pairMark(STATES[backup.state]),
      pairMark(PROOFS[backup.proof]),
      backup.until === null ? 'not known' : formatTime(backup.until.time),
    ]);
  const unreadable = recovery.unreadable.map(({ id, problem }) => [
    id,
    ...Array.from({ length: 5 }, () => '–'),
    html`${mark('failing', 'unreadable')}<br />${problem}`,
    '–',
    'not known',
  ]);
  if (rows.length + unreadable.length === 0) return note('There are none.');
  const columns: Column[] = [
    { title: 'backup' },
    { title: 'type' },
    { title: 'started', kind: 'fixed' },
    { title: 'took', kind: 'number' },
    { title: 'cluster', kind: 'number' },
    { title: 'stored', kind: 'number' },
    { title: 'state' },
    { title: 'restore test' },
    { title: 'rolls forward to', kind: 'fixed' },
  ];
  return html`${table(columns, [...unreadable, ...rows])}${holes(recovery)}`;
}

function holes({ holes: all }: NonNullable<StrategyReport['recovery']>): Markup {
  if (all.length === 0) return html``;
  const rows = all.map(({ from, to, segments, recorded, reason, needed }) => [
    `${from} – ${to}`,
    segments,
    recorded === null ? '–' : `${formatTime(recorded)}: ${reason ?? ''}`,
    needed ? mark('failing', 'a backup would have to go through it') : 'every backup lies behind it',
  ]);
  return html`<h3>Missing transaction log</h3>
    ${table(
      [
        { title: 'from – to', kind: 'fixed' },
        { title: 'segments' },
        { title: 'recorded' },
        { title: 'meaning' },
      ],
      rows,
    )}`;
}

export function failuresTable({ runs }: StrategyReport): Markup {
  if (runs === null) return note('The history of runs cannot be read.');
  if (runs.failures.length === 0) return note('No run failed in the period.');
  const causes = runs.causes.map(({ code, count }) => `${code} ${count}×`).join(', ');
  return html`<p>${causes}</p>
    ${table(
      [{ title: 'when', kind: 'fixed' }, { title: 'task' }, { title: 'what went wrong, and what to do' }],
      runs.failures.map(({ time, task, result, code, message, hint }) => [
        formatTime(time),
        words(task),
        html`${message ?? result}${code === null ? '' : ` [${code}]`}${hint === null ? '' : html`<br /><span class="soft">${hint}</span>`}`,
      ]),
    )}`;
}

export function tasksTable({ runs }: StrategyReport): Markup | undefined {
  if (runs === null || runs.tasks.length === 0) return undefined;
  return table(
    [
      { title: 'task' },
      { title: 'succeeded', kind: 'number' },
      { title: 'failed', kind: 'number' },
      { title: 'last success', kind: 'fixed' },
      { title: 'newest result' },
    ],
    runs.tasks.map(({ task, succeeded, failed, lastSuccess, lastResult }) => [
      words(task),
      String(succeeded),
      String(failed),
      lastSuccess === null ? 'never' : formatTime(lastSuccess),
      lastResult ?? 'running, or broken off',
    ]),
  );
}

export function growthAndCost({ storage, growth, cost }: StrategyReport): Markup {
  const money =
    cost.perMonth === null
      ? cost.basis
      : `${moneyText(cost.perMonth, cost.currency ?? '')} a month: ${cost.basis}`;
  return html`${partsTable(storage)}
    <h3>Growth, before anything is removed</h3>
    ${ratesTable(growth)}
    <h3>Cost</h3>
    <p>${money}</p>`;
}

function partsTable(storage: StrategyReport['storage']): Markup {
  if (storage === null) return note('What is stored cannot be listed.');
  return table(
    [{ title: 'what' }, { title: 'backups', kind: 'number' }, { title: 'stored', kind: 'number' }],
    storage.parts.map(({ name, bytes, backups }) => [
      name,
      backups === null ? '–' : String(backups),
      formatBytes(bytes),
    ]),
  );
}

function ratesTable(growth: StrategyReport['growth']): Markup {
  if (growth === null) return note('The backups cannot be listed.');
  const perDay = (bytes: number | null): [string, string] =>
    bytes === null ? ['not known', 'not known'] : [signedBytes(bytes), signedBytes(bytes * 7)];
  const rates = [
    ['backups add', ...perDay(growth.storedBytesPerDay)],
    ['the transaction log adds', ...perDay(growth.logBytesPerDay)],
    ['the cluster grows by', ...perDay(growth.sourceBytesPerDay)],
  ];
  const columns: Column[] = [
    { title: '' },
    { title: 'a day', kind: 'number' },
    { title: 'a week', kind: 'number' },
  ];
  return html`${table(columns, rates)}${note(growth.basis)}`;
}

function signedBytes(bytes: number): string {
  return bytes < 0 ? `−${formatBytes(-bytes)}` : formatBytes(bytes);
}

export function retentionTables({ retention }: StrategyReport): Markup {
  if (retention === null) return note('Nobody says what is wanted, or what there is cannot be read.');
  const classes = retention.classes.map(({ name, wanted, kept, fulfilled, remark }) => [
    name,
    wanted,
    kept,
    fulfilled === null
      ? mark('unknown', 'not known')
      : fulfilled
        ? mark('ok', 'yes')
        : mark('attention', 'no'),
    remark ?? '',
  ]);
  const removals = retention.removals.map(({ id, bytes, when, why }) => [
    id,
    bytes === null ? '–' : formatBytes(bytes),
    when,
    why,
  ]);
  return html`${table([{ title: 'rule' }, { title: 'wanted' }, { title: 'kept' }, { title: 'fulfilled' }, { title: '' }], classes)}
    <h3>Next removals</h3>
    ${removals.length === 0 ? note('No backup is to go.') : table([{ title: 'backup' }, { title: 'stored', kind: 'number' }, { title: 'when' }, { title: 'why' }], removals)}
    ${note(`To be removed in all: ${formatBytes(retention.bytes.all)}, of it ${formatBytes(retention.logBytes)} of the log; by the next run ${formatBytes(retention.bytes.nextRun)}.`)}`;
}

export function scheduleTable({ schedule }: StrategyReport): Markup | undefined {
  if (schedule === null) return undefined;
  return table(
    [{ title: 'task' }, { title: 'schedule' }, { title: 'next', kind: 'fixed' }],
    schedule.map(({ task, when, next }) => [words(task), when, next === null ? '–' : formatTime(next)]),
  );
}

export function unknownTable({ unknown }: StrategyReport): Markup | undefined {
  if (unknown.length === 0) return undefined;
  return table(
    [{ title: 'what' }, { title: 'why' }],
    unknown.map(({ what, why }) => [what, why]),
  );
}
