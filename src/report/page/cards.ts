import { formatBytes, formatDuration, formatTime, plural } from '../../format.ts';
import { moneyText } from '../money-text.ts';
import type { StrategyReport } from '../strategy-report.ts';
import { html, type Markup } from './html.ts';

type Mark = 'ok' | 'attention' | 'unknown' | 'failing' | 'none';

/** The few numbers that a reader looks for first. */
export function cards(report: StrategyReport): Markup {
  return html`<div class="cards">
    ${[
      rpoCard(report),
      rtoCard(report),
      proofCard(report),
      backupCard(report),
      storageCard(report),
      costCard(report),
    ]}
  </div>`;
}

interface Card {
  readonly title: string;
  readonly value: string;
  readonly lines: readonly string[];
  readonly mark: Mark;
}

function card({ title, value, lines, mark }: Card): Markup {
  return html`<div class="card is-${mark}">
    <h3>${title}</h3>
    <div class="value">${value}</div>
    ${lines.map((line) => html`<p>${line}</p>`)}
  </div>`;
}

function markOf(met: boolean | null): Mark {
  if (met === null) return 'unknown';
  return met ? 'ok' : 'failing';
}

function duration(seconds: number | null): string {
  return seconds === null ? 'not known' : formatDuration(seconds);
}

function wanted(seconds: number | null): string {
  return seconds === null ? 'nobody says how much is allowed' : `${formatDuration(seconds)} allowed`;
}

function rpoCard({ objectives: { rpo } }: StrategyReport): Markup {
  return card({
    title: 'Unprotected changes (RPO)',
    value: duration(rpo.now.seconds),
    lines: [
      wanted(rpo.targetSeconds),
      rpo.now.basis,
      `worst: ${duration(rpo.worst.seconds)}, ${rpo.worst.basis}`,
    ],
    mark: markOf(rpo.met),
  });
}

function rtoCard({ objectives: { rto } }: StrategyReport): Markup {
  return card({
    title: 'Time to recover (RTO)',
    value: duration(rto.last.seconds),
    lines: [wanted(rto.targetSeconds), rto.last.basis],
    mark: markOf(rto.met),
  });
}

const PROOF_MARKS = { verified: 'ok', verified_with_exceptions: 'attention', failed: 'failing' } as const;

function proofCard({ proofs }: StrategyReport): Markup {
  const title = 'Last proof by a restore';
  if (proofs === null) return card({ title, value: 'not known', lines: [], mark: 'unknown' });
  const [newest] = proofs;
  if (newest === undefined)
    return card({
      title,
      value: 'none',
      lines: ['no backup was ever restored and looked at'],
      mark: 'attention',
    });
  const { time, name, verdict, met, seconds, checks } = newest;
  return card({
    title,
    value: verdict === 'failed' ? 'FAILED' : `${plural(checks.passed, 'check')} passed`,
    lines: [
      ...(met === false ? ['objectives NOT MET'] : []),
      `${name}, ${formatTime(time)}`,
      `took ${formatDuration(seconds)}`,
    ],
    mark: met === false ? 'failing' : PROOF_MARKS[verdict],
  });
}

function backupCard({ recovery, made }: StrategyReport): Markup {
  const title = 'Newest good backup';
  if (recovery === null) return card({ title, value: 'not known', lines: [], mark: 'unknown' });
  const newest = recovery.backups.findLast(({ state }) => state === 'good');
  if (newest === undefined) return card({ title, value: 'none', lines: [], mark: 'failing' });
  const age = Math.max(0, (Date.parse(made) - Date.parse(newest.started)) / 1000);
  return card({
    title,
    value: `${formatDuration(age)} ago`,
    lines: [
      newest.id,
      `${newest.type}, ${formatBytes(newest.storedBytes)} stored in ${formatDuration(newest.seconds)}`,
    ],
    mark: 'none',
  });
}

function storageCard({ objectives: { storage }, storage: stored }: StrategyReport): Markup {
  const { used, target, freeBytes } = storage;
  const full =
    used === null
      ? 'how full its file system is, is not known'
      : `its file system is ${Math.round(used * 100)} % full, ${target === null ? 'nobody says how much is allowed' : `${Math.round(target * 100)} % allowed`}`;
  return card({
    title: 'Stored',
    value: stored === null ? 'not known' : formatBytes(stored.totalBytes),
    lines: [full, ...(freeBytes === null ? [] : [`${formatBytes(freeBytes)} free`])],
    mark: stored === null ? 'unknown' : storage.met === false ? 'attention' : 'none',
  });
}

function costCard({ cost }: StrategyReport): Markup {
  const { perMonth, currency, basis } = cost;
  const value = perMonth === null ? 'not known' : moneyText(perMonth, currency ?? '');
  return card({ title: 'Cost a month', value, lines: [basis], mark: 'none' });
}
