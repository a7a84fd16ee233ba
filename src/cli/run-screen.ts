import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRatio, formatTime, plural, printable } from './format.ts';
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
    ended: (run) => {
      if (run.id === shown) shown = undefined;
      say(endText(run));
      afterRun(run);
    },
  };
}

/** One line. */
export function startText({ reason, cluster, started }: RunRecord): string {
  const time = formatTime(new Date(started).toISOString());
  switch (reason) {
    case 'first':
      return `${time}: taking the first full backup of ${cluster} …`;
    case 'catch_up':
      return `${time}: taking the full backup of ${cluster} that was due while Larder did not run …`;
    case 'schedule':
    case 'manual':
      return `${time}: taking a full backup of ${cluster} …`;
  }
}

/** What came of a run; on a failure with what to do. */
export function endText(run: RunRecord): string {
  if (run.result === 'success') return successText(run);
  if (run.result === 'interrupted' || run.result === 'canceled') {
    return `The backup of ${run.cluster} was stopped before its end. Nothing of it counts; earlier ones are untouched.`;
  }
  return failureText(run);
}

function successText({ backupId, sourceBytes, storedBytes, durationSeconds, warnings }: RunRecord): string {
  const [source, stored] = [sourceBytes ?? 0, storedBytes ?? 0];
  const sizes = `${formatBytes(source)} read, ${formatBytes(stored)} stored (${formatRatio(source, stored)})`;
  const lines = [
    `${backupId ?? 'The backup'} is complete: ${sizes}, ${formatDuration(durationSeconds ?? 0)}.`,
  ];
  const said = warnings ?? [];
  if (said.length > 0) lines.push(`The server gave ${plural(said.length, 'warning')}:`);
  lines.push(...said.map((warning) => `  ${printable(warning)}`));
  return lines.join('\n');
}

function failureText({ cluster, errorCode, errorMessage, hint }: RunRecord): string {
  const what = `The backup of ${cluster} failed: ${errorMessage ?? 'nobody knows why'} [${errorCode ?? 'INTERNAL'}]`;
  return hint === undefined ? what : `${what}\n${hint.replace(/^/gm, '  ')}`;
}
