import { createHash } from 'node:crypto';
import { formatTime } from '../../format.ts';
import type { StrategyReport } from '../strategy-report.ts';
import { cards } from './cards.ts';
import { figures } from './figures.ts';
import { html, Markup } from './html.ts';
import { STYLE } from './style.ts';
import {
  backupsTable,
  failuresTable,
  growthAndCost,
  proofsTable,
  retentionTables,
  scheduleTable,
  tasksTable,
  unknownTable,
} from './tables.ts';

/**
 * What a browser lets the page do: nothing but show itself in its own style sheet. Sent as a header where the page is served,
 * and written into the page for where it is a file.
 */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const VERDICTS: Readonly<Record<StrategyReport['verdict']['status'], string>> = {
  ok: 'All well',
  attention: 'Needs attention',
  unknown: 'Not known',
  failing: 'Failing',
};

/** The report as one page that stands by itself: the verdict first, then what can be restored, then everything else. */
export function reportPage(report: StrategyReport): string {
  const { cluster, repository, made } = report;
  const name = cluster ?? repository;
  // ours, and a digest of it stands in the policy: it must not be escaped
  const style = new Markup(`<style>${STYLE}</style>`);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}" />
        <meta name="referrer" content="no-referrer" />
        <title>${VERDICTS[report.verdict.status]}: backups of ${name}</title>
        ${style}
      </head>
      <body>
        <h1>Backups of ${name} <span class="soft">· ${formatTime(made)}</span></h1>
        ${verdict(report)}
        <main>
          ${cards(report)} ${figures(report)} ${section('Restore tests and drills', proofsTable(report))}
          ${section('Backups', backupsTable(report))} ${section('Failures', failuresTable(report))}
          ${section('Runs', tasksTable(report))} ${section('Storage, growth and cost', growthAndCost(report))}
          ${section('Retention', retentionTables(report))} ${section('Next runs', scheduleTable(report))}
          ${section('What could not be looked at', unknownTable(report))}
        </main>
        <footer>
          Larder ${report.larderVersion} · repository ${repository} · all times UTC, sizes in powers of 1000
        </footer>
      </body>
    </html> `.text;
}

function verdict({ verdict: { status, sentence, reasons }, recovery }: StrategyReport): Markup {
  const items = reasons.map(
    (reason) =>
      html`<li><span class="mark is-${reason.status}">${VERDICTS[reason.status]}</span> ${reason.text}</li>`,
  );
  return html`<header class="verdict is-${status}">
    <strong>${VERDICTS[status]}</strong>
    <p>${sentence}</p>
    <p class="recovery">
      ${recovery?.sentence ?? 'What can be restored is not known: the repository cannot be read.'}
    </p>
    ${
      items.length === 0
        ? ''
        : html`<ul>
            ${items}
          </ul>`
    }
  </header>`;
}

function section(title: string, content: Markup | undefined): Markup {
  return content === undefined
    ? html``
    : html`<section>
        <h2>${title}</h2>
        ${content}
      </section>`;
}
