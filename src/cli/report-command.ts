import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { clusterParts } from '../cluster-parts.ts';
import { reportCluster, reportRepository, type ReportContext } from '../cluster-report.ts';
import { LarderError } from '../errors.ts';
import { reportPage } from '../report/page/report-page.ts';
import type { StrategyReport } from '../report/strategy-report.ts';
import { RunHistory } from '../scheduler/history.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { reportText } from './report-text.ts';

interface ReportOptions extends RepositoryOptions {
  readonly days: number;
  readonly json?: true;
  readonly html?: string;
}

const DAY = 86_400_000;
const DEFAULT_DAYS = 30;

/** `larder report`. */
export function reportCommand(parts: CliParts): Command {
  const command = new Command('report').description(
    'show the state of the backup strategy: objectives, what can be restored, proofs, failures, storage, retention',
  );
  return withRepositoryOptions(command)
    .option(
      '--days <number>',
      'how far back failures, worst values and growth are looked at',
      parseDays,
      DEFAULT_DAYS,
    )
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'write it as one page that stands by itself; "-" is standard output')
    .addHelpText('after', EXAMPLES)
    .action((options: ReportOptions) => report(parts, options));
}

const EXAMPLES = `
It reads the repository and the state directory; neither the service nor the server need to run. What cannot be read is named
as unknown. Exit 0 says that the report could be made, and not that all is well: its first line, and .verdict.status, say that.

Examples:
  $ larder report
  $ larder report --html report.html
  $ larder report --json | jq .verdict
  $ larder report --repository /mnt/backups`;

async function report(parts: CliParts, options: ReportOptions): Promise<void> {
  const made = await make(parts, options);
  const { html, json } = options;
  if (html !== undefined && html !== '-') await writePage(resolve(parts.workingDirectory, html), made);
  if (json === true) writeJson(parts.stdout, made);
  else if (html === '-') parts.stdout.write(reportPage(made));
  else parts.stdout.write(html === undefined ? reportText(made) : `${html}: ${made.verdict.status}\n`);
}

async function make(parts: CliParts, options: ReportOptions): Promise<StrategyReport> {
  const { clock, signal, version: larderVersion } = parts;
  const context: ReportContext = { larderVersion, period: options.days * DAY, clock, signal };
  if (options.repository !== undefined) {
    return reportRepository(await openForReading(parts, options), context);
  }
  const config = await parts.loadConfig();
  const openHistory = (): Promise<RunHistory> => RunHistory.open(config.stateDirectory, clock);
  return reportCluster(
    clusterParts(chooseCluster(config, options.cluster)),
    { ...config, openHistory },
    context,
  );
}

async function writePage(path: string, made: StrategyReport): Promise<void> {
  try {
    await writeFile(path, reportPage(made));
  } catch (error) {
    throw new LarderError('USAGE', `${path} cannot be written: ${String(error)}`, {
      hint: 'Name a file in a directory that is there and that you may write to.',
      cause: error,
    });
  }
}

function parseDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days >= 1) return days;
  throw new InvalidArgumentError('expected a whole number of days, at least 1');
}
