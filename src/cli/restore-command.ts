import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LarderError } from '../errors.ts';
import type { InstanceUser } from '../postgres/server/instance-user.ts';
import { findBackup } from '../repository/catalogue.ts';
import { planRestore, type RestorePlan } from '../restore/plan.ts';
import { restoreBackup, type RestoreResult } from '../restore/restore-backup.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRate, plural } from './format.ts';
import { nextSteps, type NextSteps } from './next-steps.ts';
import { ProgressBar } from './progress-bar.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { findOwner } from './restore-owner.ts';
import { planFacts, planJson } from './restore-text.ts';
import { formatPairs } from './table.ts';

interface RestoreOptions extends RepositoryOptions {
  readonly toDir: string;
  readonly tablespace?: ReadonlyMap<number, string>;
  readonly owner?: string;
  readonly dryRun?: true;
  readonly keepSourceSettings?: true;
  readonly json?: true;
  readonly targetTime?: string;
  readonly targetLsn?: string;
  readonly targetXid?: string;
  readonly targetName?: string;
}

/** `larder restore`. */
export function restoreCommand(parts: CliParts): Command {
  const command = new Command('restore')
    .description('restore a backup into an empty directory')
    .argument('[id]', 'the backup, or "latest"', 'latest')
    .requiredOption('--to-dir <dir>', 'where the cluster goes: a new or empty directory')
    .option('--tablespace <oid=dir>', 'where a tablespace goes; once for each', collectTablespace)
    .option('--owner <user>', 'who the files belong to, when root restores')
    .option('--dry-run', 'print what would be done, and stop')
    .option('--keep-source-settings', 'leave archiving and replication set as on the source');
  for (const target of ['time', 'lsn', 'xid', 'name']) {
    command.addOption(new Option(`--target-${target} <value>`, 'not built yet').hideHelp());
  }
  return withRepositoryOptions(command)
    .option('--json', 'print plan and result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: RestoreOptions) => restore(parts, id, options));
}

const EXAMPLES = `
Examples:
  $ larder restore --to-dir /var/lib/postgresql/18/restored --dry-run
  $ larder restore full_backup_truck_20261122_020000 --to-dir /restored
  $ larder restore --to-dir /restored --tablespace 16412=/fast/restored
  $ larder restore --repository /mnt/backups --to-dir /restored --owner postgres`;

/** What was decided before the first byte. */
interface Decided {
  readonly plan: RestorePlan;
  readonly owner: InstanceUser | undefined;
}

async function restore(parts: CliParts, id: string, options: RestoreOptions): Promise<void> {
  refuseTargets(options);
  const decided = await decide(parts, id, options);
  const { stdout } = parts;
  const plan = planJson(decided.plan, decided.owner);
  if (options.json !== true) stdout.write(formatPairs(planFacts(decided.plan, decided.owner)));
  if (options.dryRun === true) {
    if (options.json === true) writeJson(stdout, { plan });
    else stdout.write('\nThis is a dry run: nothing was written.\n');
    return;
  }
  const result = await run(parts, decided.plan);
  const next = await nextSteps(decided.plan, decided.owner, parts.environment['PATH']);
  if (options.json === true) writeJson(stdout, { plan, result, next });
  else stdout.write(resultText(result, next));
}

function refuseTargets({ targetTime, targetLsn, targetXid, targetName }: RestoreOptions): void {
  if ([targetTime, targetLsn, targetXid, targetName].every((target) => target === undefined)) return;
  throw new LarderError('NOT_BUILT_YET', 'a restore to a point in time is not built yet', {
    hint: 'Without a target, a backup is restored to its own end; "larder list" shows when that was.',
  });
}

async function decide(parts: CliParts, id: string, options: RestoreOptions): Promise<Decided> {
  const repository = await openForReading(parts, options);
  const backup = await findBackup(repository.store, id);
  const absolute = (path: string): string => resolve(parts.workingDirectory, path);
  const directory = absolute(options.toDir);
  const owner = await findOwner(options.owner, directory);
  const plan = await planRestore({
    ...repository,
    backup,
    directory,
    tablespaces: new Map([...(options.tablespace ?? [])].map(([oid, path]) => [oid, absolute(path)])),
    owner,
    sourceSettings: options.keepSourceSettings === true ? 'keep' : 'cleared',
  });
  return { plan, owner };
}

async function run({ stderr, clock, signal }: CliParts, plan: RestorePlan): Promise<RestoreResult> {
  const bar = new ProgressBar(stderr, clock);
  try {
    return await restoreBackup(plan, { clock, signal, onProgress: (progress) => bar.update(progress) });
  } finally {
    bar.clear();
  }
}

function resultText({ directory, files, bytes, seconds }: RestoreResult, next: NextSteps): string {
  const amount = `${formatBytes(bytes)} in ${plural(files, 'file')}`;
  const lines = [
    '',
    `Restored ${amount} into ${directory} in ${formatDuration(seconds)} (${formatRate(bytes, seconds)}).`,
    'Start it with:',
    '',
    `  ${next.startCommand}`,
    '',
    ...next.remarks,
  ];
  return `${lines.join('\n')}\n`;
}

/** Called once for each `--tablespace`. */
function collectTablespace(
  text: string,
  earlier: ReadonlyMap<number, string> = new Map(),
): ReadonlyMap<number, string> {
  const [, oid, directory] = /^(\d{1,10})=(.+)$/s.exec(text) ?? [];
  if (oid === undefined || directory === undefined) {
    throw new InvalidArgumentError('Write OID=DIR; "larder list ID" shows the OIDs.');
  }
  if (earlier.has(Number(oid))) throw new InvalidArgumentError(`Tablespace ${oid} is named twice.`);
  return new Map(earlier).set(Number(oid), directory);
}
