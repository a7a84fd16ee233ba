import { resolve } from 'node:path';
import { Command } from 'commander';
import { proofSettings } from '../cluster-proofs.ts';
import { proofRecords } from '../cluster-report.ts';
import { LarderError } from '../errors.ts';
import { proofProblem, proveAndRecord, type ProofListener, type ProofSettings } from '../jobs/prove.ts';
import { verificationFailed } from '../jobs/verify.ts';
import { recordProof } from '../report/record-proof.ts';
import { findBackup } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { expectServerFor } from '../verify/proof/find-server.ts';
import { scratchPlaces } from '../verify/proof/scratch-places.ts';
import type { Finding, LogReport, VerifyReport } from '../verify/report.ts';
import { verifyObjects, type VerifyProgress } from '../verify/verify-objects.ts';
import { commandActor } from './audit-note.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRate, plural, printable } from '../format.ts';
import { ProgressBar } from './progress-bar.ts';
import { proofText } from './proof-text.ts';
import {
  openForReading,
  withRepositoryOptions,
  type ReadableRepository,
  type RepositoryOptions,
} from './repository-option.ts';

interface VerifyOptions extends RepositoryOptions {
  readonly level?: string;
  readonly scratch?: string;
  readonly json?: true;
}

/** `larder verify`. */
export function verifyCommand(parts: CliParts): Command {
  const command = new Command('verify')
    .description('restore a backup beside everything else, run PostgreSQL on it, and check all that it holds')
    .argument('[id]', 'the backup, or "latest"', 'latest')
    .option(
      '--level <level>',
      'restore; full, which reads every value too; or objects, the stored bytes alone (default: as configured, else restore)',
    )
    .option(
      '--scratch <dir>',
      'where the copy is made and removed again: it takes the room of the whole cluster',
    );
  return withRepositoryOptions(command)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: VerifyOptions) => verify(parts, id, options));
}

const EXAMPLES = `
How a restore went is stored beside the backup: as proven, or as quarantined, which nothing is built on any more.

Examples:
  $ larder verify
  $ larder verify latest --level full --scratch /mnt/large
  $ larder verify full_backup_truck_20261122_020000 --json
  $ larder verify --level objects --repository /mnt/backups`;

const LEVELS = ['objects', 'restore', 'full'] as const;
type Level = (typeof LEVELS)[number];

async function verify(parts: CliParts, id: string, options: VerifyOptions): Promise<void> {
  const asked = parseLevel(options.level);
  const repository = await openForReading(parts, options);
  const { level, settings, onProof } = await chooseSettings(parts, options, asked);
  const backup = await findBackup(repository.store, id);
  if (level === 'objects') await verifyStored(parts, { repository, backup }, options);
  else
    await proveOne(parts, { repository, backup }, { level, settings, onProof, json: options.json === true });
}

function parseLevel(text: string | undefined): Level | undefined {
  const level = LEVELS.find((each) => each === text);
  if (level !== undefined || text === undefined) return level;
  throw new LarderError('USAGE', `there is no level "${text}"`, {
    hint: `Choose one of ${LEVELS.join(', ')}.`,
  });
}

interface Settings {
  readonly level: Level;
  readonly settings: ProofSettings;
  /** Where nobody says where results are kept, nobody keeps them. */
  readonly onProof: ProofListener | undefined;
}

/** As the cluster is configured; without a configuration by a restore. */
async function chooseSettings(
  parts: CliParts,
  options: VerifyOptions,
  asked: Level | undefined,
): Promise<Settings> {
  const named = options.scratch === undefined ? undefined : resolve(parts.workingDirectory, options.scratch);
  if (options.repository === undefined) {
    const config = await parts.loadConfig();
    const cluster = chooseCluster(config, options.cluster);
    const settings = proofSettings(cluster, config.stateDirectory, parts.version);
    const scratch = named === undefined ? settings.scratch : [named];
    const records = proofRecords(config, cluster.name, { actor: commandActor(), clock: parts.clock });
    return {
      level: asked ?? cluster.verify.level,
      settings: { ...settings, scratch },
      onProof: (report) => recordProof(report, records),
    };
  }
  const searchPath = parts.environment['PATH'];
  const settings: ProofSettings = {
    scratch: scratchPlaces(named, undefined),
    userChecks: [],
    concurrency: 2,
    binaries: searchPath === undefined ? {} : { searchPath },
    larderVersion: parts.version,
  };
  return { level: asked ?? 'restore', settings, onProof: undefined };
}

interface Chosen {
  readonly repository: ReadableRepository;
  readonly backup: CommitRecord;
}

async function proveOne(
  parts: CliParts,
  { repository, backup }: Chosen,
  proof: {
    readonly level: 'restore' | 'full';
    readonly settings: ProofSettings;
    readonly onProof: ProofListener | undefined;
    readonly json: boolean;
  },
): Promise<void> {
  const { clock, signal, stdout } = parts;
  await expectServerFor(backup, proof.settings.binaries);
  const bar = new ProgressBar(parts.stderr, clock);
  const { report, warnings } = await proveAndRecord(
    { ...repository, ...proof.settings, backup, level: proof.level },
    { clock, signal, onProgress: (step) => bar.update(step) },
    proof.onProof,
  ).finally(() => bar.clear());
  for (const warning of warnings) parts.stderr.write(`warning: ${warning}\n`);
  if (proof.json) writeJson(stdout, report);
  else stdout.write(proofText(report));
  const problem = proofProblem(report);
  if (problem !== undefined) throw problem;
}

async function verifyStored(
  parts: CliParts,
  { repository, backup }: Chosen,
  options: VerifyOptions,
): Promise<void> {
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
