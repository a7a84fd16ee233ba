import { Command } from 'commander';
import { LarderError } from '../errors.ts';
import { verificationFailed } from '../jobs/verify.ts';
import { findBackup } from '../repository/catalogue.ts';
import type { Finding, LogReport, VerifyReport } from '../verify/report.ts';
import { verifyObjects, type VerifyProgress } from '../verify/verify-objects.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRate, plural, printable } from './format.ts';
import { ProgressBar } from './progress-bar.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';

interface VerifyOptions extends RepositoryOptions {
  readonly level: string;
  readonly json?: true;
}

/** `larder verify`. */
export function verifyCommand(parts: CliParts): Command {
  const command = new Command('verify')
    .description('read a whole backup back, and the transaction log behind it, and check every byte')
    .argument('[id]', 'the backup, or "latest"', 'latest')
    .option('--level <level>', 'objects: what is stored; restore and full are not built yet', 'objects');
  return withRepositoryOptions(command)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: VerifyOptions) => verify(parts, id, options));
}

const EXAMPLES = `
Examples:
  $ larder verify
  $ larder verify full_backup_truck_20261122_020000 --json
  $ larder verify --repository /mnt/backups`;

async function verify(parts: CliParts, id: string, options: VerifyOptions): Promise<void> {
  assertBuilt(options.level);
  const repository = await openForReading(parts, options);
  const backup = await findBackup(repository.store, id);
  const { clock, signal, stdout } = parts;
  const bar = new ProgressBar(parts.stderr, clock);
  const onProgress = ({ part, ...done }: VerifyProgress): void =>
    bar.update({ phase: part === 'backup' ? 'verifying' : 'reading the log', ...done });
  const report = await verifyObjects({ ...repository, backup }, { clock, signal, onProgress }).finally(() =>
    bar.clear(),
  );
  if (options.json === true) writeJson(stdout, report);
  else stdout.write(reportText(report));
  if (report.findings.length > 0) throw verificationFailed(report);
}

function assertBuilt(level: string): void {
  if (level === 'objects') return;
  if (level !== 'restore' && level !== 'full') {
    throw new LarderError('USAGE', `there is no level "${level}"`, { hint: 'Leave --level out.' });
  }
  throw new LarderError('NOT_BUILT_YET', `verification at the level ${level} is not built yet`, {
    hint: 'Leave --level out to check what is stored; to prove a backup, restore it into an empty directory and start it.',
  });
}

function reportText(report: VerifyReport): string {
  const { backup, findings, bytes, seconds } = report;
  const checked = [
    plural(report.checkedObjects, 'object'),
    plural(report.checkedFrames, 'frame'),
    plural(report.checkedFiles, 'file'),
    ...(report.mergedFiles === 0 ? [] : [`${plural(report.mergedFiles, 'file')} of changed blocks`]),
  ].join(', ');
  return [
    `backup    ${backup}`,
    `checked   ${checked}, ${formatBytes(bytes)} in ${formatDuration(seconds)} (${formatRate(bytes, seconds)})`,
    `log       ${report.log === null ? 'none was read: no WAL was ever received, or a finding says why' : logText(report.log)}`,
    `findings  ${findings.length === 0 ? 'none' : String(findings.length)}`,
    ...findings.map((finding) => `  ${printable(findingText(finding))}`),
    '',
  ].join('\n');
}

function logText({ segments, bytes, from, until, timeline, removed }: LogReport): string {
  const end = removed ? '; retention has removed what was behind' : '';
  if (segments === 0) return `nothing is stored behind the backup${end}`;
  return `${plural(segments, 'segment')}, ${formatBytes(bytes)} of WAL, whole from ${from} to ${until} on timeline ${timeline}${end}`;
}

function findingText({ code, message, object, file }: Finding): string {
  const where = [object, file].filter((name) => name !== undefined && !message.includes(name));
  return [...where, `${message} [${code}]`].join(': ');
}
