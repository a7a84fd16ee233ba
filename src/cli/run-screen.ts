import type { Task } from '../jobs/job.ts';
import type { RunListener, RunRetry } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import { isBackup } from '../scheduler/task-order.ts';
import type { CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRatio, formatTime, plural, printable } from '../format.ts';
import { ProgressBar } from './progress-bar.ts';

/** Tells in plain words what happens to runs, with their progress. `afterRun` is called behind the words of its end. */
export function runScreen({ stderr, clock }: CliParts, afterRun: (run: RunRecord) => void): RunListener {
  const bar = new ProgressBar(stderr, clock);
  // of several clusters' runs at the same time, one has the bar
  let shown: string | undefined;
  const say = (text: string): void => {
    bar.clear();
    stderr.write(`${text}\n`);
  };
  return {
    started: (run) => {
      shown ??= run.id;
      say(startText(run));
    },
    progress: ({ run, phase = 'working', doneBytes, totalBytes }) => {
      if (run.id === shown) bar.update({ phase, doneBytes, totalBytes });
    },
    retrying: (retry) => say(retryText(retry)),
    ended: (run) => {
      if (run.id === shown) shown = undefined;
      say(endText(run));
      afterRun(run);
    },
  };
}

/** What is done, as it stands behind "taking" or "of". */
const NOUNS: Readonly<Record<Task, string>> = {
  backup_full: 'full backup',
  backup_incremental: 'backup of what changed',
  transaction_log: 'seal of the transaction log',
  verify: 'verification',
  restore_test: 'restore test',
  drill: 'drill',
  second_site_test: 'restore test from the second site',
  retention: 'removal of old backups',
};

/** One line. */
export function startText({ reason, task, cluster, started, backupId }: RunRecord): string {
  const time = formatTime(new Date(started).toISOString());
  if (task === 'verify') return `${time}: verifying ${backupId ?? `the newest backup of ${cluster}`} …`;
  if (!isBackup(task)) return `${time}: ${NOUNS[task]} of ${cluster} …`;
  switch (reason) {
    case 'first':
      return `${time}: taking the first full backup of ${cluster} …`;
    case 'catch_up':
      return `${time}: taking the ${NOUNS[task]} of ${cluster} that was due while Larder did not run …`;
    case 'rerun':
      return `${time}: taking the ${NOUNS[task]} of ${cluster} that was broken off …`;
    case 'schedule':
    case 'manual':
    case 'request':
    case 'after_backup':
    case 'rebuilt':
      return `${time}: taking a ${NOUNS[task]} of ${cluster} …`;
  }
}

/** What came of a run; on a failure with what to do. */
export function endText(run: RunRecord): string {
  const what = capitalized(`the ${isBackup(run.task) ? 'backup' : NOUNS[run.task]} of ${run.cluster}`);
  switch (run.result) {
    case 'success':
      return isBackup(run.task) ? successText(run) : `${what} is done${aside(run)}.`;
    case 'interrupted':
    case 'canceled':
      return `${what} was stopped before its end. Nothing of it counts; earlier ones are untouched.`;
    case 'coalesced':
    case 'skipped':
      return `${capitalized(`the ${NOUNS[run.task]} of ${run.cluster}`)} is not taken: ${run.remark ?? 'it is not needed'}.`;
    default:
      return failureText(run, what);
  }
}

/** A failed attempt that is followed by another. */
export function retryText({ run, error, delay }: RunRetry): string {
  return `The ${NOUNS[run.task]} of ${run.cluster} failed: ${error.message} [${error.code}]; it is tried again in ${formatDuration(delay / 1000)}.`;
}

function aside({ remark, durationSeconds }: RunRecord): string {
  const took = formatDuration(durationSeconds ?? 0);
  return remark === undefined ? `, ${took}` : `: ${remark}, ${took}`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function successText({
  backupId,
  sourceBytes,
  storedBytes,
  durationSeconds,
  warnings,
  remark,
}: RunRecord): string {
  const [source, stored] = [sourceBytes ?? 0, storedBytes ?? 0];
  const sizes = `${formatBytes(source)} read, ${formatBytes(stored)} stored (${formatRatio(source, stored)})`;
  const lines = [
    `${backupId ?? 'The backup'} is complete: ${sizes}, ${formatDuration(durationSeconds ?? 0)}.`,
  ];
  if (remark !== undefined) lines.push(`  ${printable(remark)}`);
  const said = warnings ?? [];
  if (said.length > 0) lines.push(`The server gave ${plural(said.length, 'warning')}:`);
  lines.push(...said.map((warning) => `  ${printable(warning)}`));
  return lines.join('\n');
}

function failureText({ errorCode, errorMessage, hint }: RunRecord, what: string): string {
  const text = `${what} failed: ${errorMessage ?? 'nobody knows why'} [${errorCode ?? 'INTERNAL'}]`;
  return hint === undefined ? text : `${text}\n${hint.replace(/^/gm, '  ')}`;
}
