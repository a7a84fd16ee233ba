import { formatBytes, formatDuration, formatTime } from '../../format.ts';
import type { ReportedBackup, StrategyReport } from '../strategy-report.ts';
import { barChart, topOfBytes, topOfSeconds, type Bar } from './bar-chart.ts';
import { html, type Markup } from './html.ts';
import { windowChart } from './window-chart.ts';

const BACKUPS = [
  ['full', 'full'],
  ['incremental', 'incremental'],
] as const;

/** What can be restored over time, and how sizes and durations go. */
export function figures(report: StrategyReport): Markup {
  const { recovery, proofs, made, periodSeconds } = report;
  const now = Date.parse(made);
  const backups = recovery?.backups ?? [];
  const window =
    recovery === null
      ? html``
      : html`<h2>Recovery window</h2>
          ${windowChart(recovery, { now, from: now - periodSeconds * 1000 })}`;
  return html`${window}
    <h2>Sizes and durations</h2>
    <div class="figures">
      ${[
        barChart({
          caption: 'Stored by each backup',
          legend: BACKUPS,
          bars: backups.map((backup) => backupBar(backup, backup.storedBytes, formatBytes)),
          format: formatBytes,
          top: topOfBytes,
        }),
        barChart({
          caption: 'How long backups took',
          legend: BACKUPS,
          bars: backups.map((backup) => backupBar(backup, backup.seconds, formatDuration)),
          format: formatDuration,
          top: topOfSeconds,
        }),
        barChart({
          caption: 'Size of the cluster',
          legend: [],
          bars: backups.map(({ started, sourceBytes }) => ({
            time: Date.parse(started),
            value: sourceBytes,
            kind: 'full',
            title: `${formatTime(started)}: ${formatBytes(sourceBytes)}`,
          })),
          format: formatBytes,
          top: topOfBytes,
        }),
        barChart({
          caption: 'How long restore tests and drills took',
          legend: [
            ['log', 'passed'],
            ['bad', 'failed'],
          ],
          bars: (proofs ?? []).map(({ time, name, seconds, verdict }) => ({
            time: Date.parse(time),
            value: seconds,
            kind: verdict === 'failed' ? 'bad' : 'log',
            title: `${name}, ${formatTime(time)}: ${formatDuration(seconds)}`,
          })),
          format: formatDuration,
          top: topOfSeconds,
        }),
      ]}
    </div>`;
}

function backupBar(
  { id, started, type, state }: ReportedBackup,
  value: number,
  format: (value: number) => string,
): Bar {
  return {
    time: Date.parse(started),
    value,
    kind: state === 'good' ? type : 'bad',
    title: `${id}: ${format(value)}`,
  };
}
