import { Command } from 'commander';
import { LarderError } from '../errors.ts';
import { RunHistory } from '../scheduler/history.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import { viewRun } from '../run-view.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatDuration, formatTime } from '../format.ts';
import { formatTable } from './table.ts';
import { parseTask } from './task-argument.ts';

interface RunsOptions {
  readonly cluster?: string;
  readonly task?: string;
  readonly limit: string;
  readonly json?: true;
}

/** `larder runs`. */
export function runsCommand(parts: CliParts): Command {
  return new Command('runs')
    .description('show what ran, runs and waits: backups, seals, verifications and the like, newest last')
    .option('--cluster <name>', 'of one cluster')
    .option('--task <task>', 'of one kind')
    .option('--limit <count>', 'how many at most', '20')
    .option('--json', 'print all there is to know of them as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: RunsOptions) => runs(parts, options));
}

const EXAMPLES = `
It is read from the state directory of the configuration, and needs no running service.

Examples:
  $ larder runs
  $ larder runs --task backup_full --limit 5
  $ larder runs --json | jq '.runs[] | select(.result == "failure") | .errorMessage'`;

async function runs({ loadConfig, clock, stdout }: CliParts, options: RunsOptions): Promise<void> {
  const { cluster, limit, json } = options;
  const task = options.task === undefined ? undefined : parseTask(options.task);
  const count = parseCount(limit);
  const history = await RunHistory.open((await loadConfig()).stateDirectory, clock);
  const found = (await history.runs())
    .filter((run) => cluster === undefined || run.cluster === cluster)
    .filter((run) => task === undefined || run.task === task)
    .slice(-count);
  if (json === true) writeJson(stdout, { runs: found.map(viewRun) });
  else if (found.length === 0) stdout.write('Nothing has run yet.\n');
  else stdout.write(formatTable(COLUMNS, found.map(row)));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new LarderError('USAGE', `--limit "${text}" is no number of runs`);
}

const COLUMNS = [
  { title: 'STARTED' },
  { title: 'CLUSTER' },
  { title: 'TASK' },
  { title: 'WHY' },
  { title: 'TOOK', right: true },
  { title: 'RESULT' },
  { title: 'WHAT' },
];

function row(run: RunRecord): string[] {
  const { started, cluster, task, reason, durationSeconds, requestedBy } = run;
  return [
    formatTime(new Date(started).toISOString()),
    cluster,
    task,
    requestedBy === undefined ? reason : `${reason} of ${requestedBy}`,
    durationSeconds === undefined ? '-' : formatDuration(durationSeconds),
    resultText(run),
    whatText(run),
  ];
}

function resultText({ result, waiting }: RunRecord): string {
  return result ?? (waiting === true ? 'waiting' : 'running');
}

/** The end of an error is in the JSON, and the log. */
function whatText({ backupId, errorCode, errorMessage, remark, result }: RunRecord): string {
  if (result !== 'success' && errorMessage !== undefined) return `${errorMessage} [${errorCode ?? ''}]`;
  return backupId ?? remark ?? '-';
}
