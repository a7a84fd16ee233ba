import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { toLarderError } from '../errors.ts';
import type { InstanceUser } from '../postgres/server/instance-user.ts';
import { chainOf } from '../repository/backup-chain.ts';
import { readCatalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { planRestore, type RestorePlan } from '../restore/plan.ts';
import { checkRecoveryLog } from '../restore/recovery/check-recovery-log.ts';
import { parseTarget, type TargetOptions } from '../restore/recovery/parse-target.ts';
import { planRecovery } from '../restore/recovery/plan-recovery.ts';
import type { RecoveryPlan } from '../restore/recovery/recovery-plan.ts';
import { restoreBackup, type RestoreResult } from '../restore/restore-backup.ts';
import { startRestored, type Started } from '../restore/start/start-restored.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { noteInTrail } from './audit-note.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRate, plural } from '../format.ts';
import { nextSteps, type NextSteps } from './next-steps.ts';
import { ProgressBar } from './progress-bar.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { findOwner } from './restore-owner.ts';
import { planFacts, planJson } from './restore-text.ts';
import { formatPairs } from './table.ts';

interface RestoreOptions extends RepositoryOptions, TargetOptions {
  readonly toDir: string;
  readonly tablespace?: ReadonlyMap<number, string>;
  readonly owner?: string;
  readonly delta?: true;
  readonly believe: (typeof BELIEVED)[number];
  readonly dryRun?: true;
  readonly keepSourceSettings?: true;
  readonly start?: true;
  readonly port?: number;
  readonly json?: true;
}

/** Which files of an earlier copy are kept unread. */
const BELIEVED = ['nothing', 'restored', 'started'] as const;

/** `larder restore`. */
export function restoreCommand(parts: CliParts): Command {
  const command = new Command('restore')
    .description('restore a backup into an empty directory, or over an earlier copy of the same cluster')
    .argument('[id]', 'the backup, or "latest"', 'latest')
    .requiredOption('--to-dir <dir>', 'where the cluster goes: a new or empty directory, but for --delta')
    .option('--delta', 'keep of an earlier copy in DIR what is as it should be; remove what does not belong')
    .addOption(
      new Option(
        '--believe <which>',
        'with --delta, what is not read: files that nothing touched since Larder restored them (restored), also where a server was started on the copy since (started), or nothing',
      )
        .choices(BELIEVED)
        .default('restored'),
    )
    .option('--tablespace <oid=dir>', 'where a tablespace goes; once for each', collectTablespace)
    .option('--owner <user>', 'who the files belong to, when root restores')
    .option('--dry-run', 'print what would be done, and stop')
    .option('--keep-source-settings', 'leave archiving and replication set as on the source')
    .option(
      '--target-time <time>',
      'up to that time: "2026-11-21 10:30:59+01", "10 minutes ago"; UTC without a zone',
    )
    .option('--target-lsn <lsn>', 'up to that position of the log')
    .option('--target-xid <xid>', 'up to that transaction')
    .option('--target-name <name>', 'up to that restore point (pg_create_restore_point)')
    .option('--immediate', "to the backup's own end, without the transaction log")
    .option('--target-timeline <n>', 'which timeline to follow: a number, 0x…, latest or current')
    .option('--exclusive', 'stop just before the target')
    .option('--action <action>', 'what the server does there: promote (the default), pause or shutdown')
    .option('--start', 'start the server on it, and prove that it reached its target')
    .option(
      '--port <port>',
      "which port a server on it listens on; its source's otherwise, where clients and the receiver of WAL would take it for the source",
      readPort,
    );
  return withRepositoryOptions(command)
    .option('--json', 'print plan and result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: RestoreOptions) => restore(parts, id, options));
}

const EXAMPLES = `
Examples:
  $ larder restore --to-dir /var/lib/postgresql/18/restored --dry-run
  $ larder restore --to-dir /restored --target-time '2026-11-22 09:59:00+01' --start --port 5433
  $ larder restore --to-dir /restored --target-time '10 minutes ago'
  $ larder restore full_backup_truck_20261122_020000 --to-dir /restored
  $ larder restore --to-dir /restored --tablespace 16412=/fast/restored
  $ larder restore --to-dir /restored --delta
  $ larder restore --repository /mnt/backups --to-dir /restored --owner postgres`;

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It is a number from 1 to 65535.');
}

/** What was decided before the first byte. */
interface Decided {
  readonly plan: RestorePlan;
  readonly owner: InstanceUser | undefined;
  readonly remarks: readonly string[];
}

async function restore(parts: CliParts, id: string, options: RestoreOptions): Promise<void> {
  const decided = await decide(parts, id, options);
  const { stdout } = parts;
  const plan = planJson(decided.plan, decided);
  if (options.json !== true) stdout.write(formatPairs(planFacts(decided.plan, decided)));
  if (options.dryRun === true) {
    if (options.json === true) writeJson(stdout, { plan });
    else stdout.write('\nThis is a dry run: nothing was written.\n');
    return;
  }
  const result = await audited(parts, decided.plan, () => run(parts, decided.plan));
  if (options.start === true) {
    const started = await start(parts, decided);
    if (options.json === true) writeJson(stdout, { plan, result, started });
    else stdout.write(startedText(result, started));
    return;
  }
  const next = await nextSteps(decided.plan, decided.owner, parts.environment['PATH']);
  if (options.json === true) writeJson(stdout, { plan, result, next });
  else stdout.write(resultText(result, next));
}

async function decide(parts: CliParts, id: string, options: RestoreOptions): Promise<Decided> {
  const wanted = parseTarget(options, parts.clock.now());
  const repository = await openForReading(parts, options);
  const { backup, recovery, remarks } = await planRecovery(repository.store, id, wanted);
  const absolute = (path: string): string => resolve(parts.workingDirectory, path);
  const directory = absolute(options.toDir);
  const owner = await findOwner(options.owner, directory);
  const plan = await planRestore({
    ...repository,
    backup,
    recovery,
    directory,
    tablespaces: new Map([...(options.tablespace ?? [])].map(([oid, path]) => [oid, absolute(path)])),
    owner,
    delta: options.delta === true,
    trust:
      options.believe === 'nothing'
        ? undefined
        : { evenAfterServer: options.believe === 'started', clock: parts.clock },
    sourceSettings: options.keepSourceSettings === true ? 'keep' : 'cleared',
    port: options.port,
  });
  if (recovery !== undefined) await checkLog(parts, plan, recovery);
  return { plan, owner, remarks: [...(await quarantineRemarks(repository.store, backup)), ...remarks] };
}

/** Not refused: it may be all there is, and whoever restores is told what was found. */
async function quarantineRemarks(store: ObjectStore, backup: CommitRecord): Promise<string[]> {
  const { backups, proofs } = await readCatalogue(store);
  const chain = chainOf(backup, new Map(backups.map((each) => [each.id, each]))) ?? [backup];
  return chain
    .filter(({ id }) => proofs.get(id) === 'quarantined')
    .map(({ id }) => `${id} is QUARANTINED: its verification failed; "larder list" shows others`);
}

/** Every stored byte of the log that will be replayed, before anything is written: better now than in the middle. */
async function checkLog(
  { stderr, clock, signal }: CliParts,
  plan: RestorePlan,
  recovery: RecoveryPlan,
): Promise<void> {
  const bar = new ProgressBar(stderr, clock);
  try {
    await checkRecoveryLog(plan.request.store, recovery, {
      signal,
      onProgress: (progress) => bar.update({ phase: 'checking', ...progress }),
    });
  } finally {
    bar.clear();
  }
}

async function audited(
  parts: CliParts,
  { request, target }: RestorePlan,
  work: () => Promise<RestoreResult>,
): Promise<RestoreResult> {
  const note = (result: string): Promise<void> => {
    const details = { backup: request.backup.id, result };
    return noteInTrail(parts, { action: 'restore', subject: target.path, details });
  };
  await note('begun');
  try {
    const result = await work();
    await note('success');
    return result;
  } catch (error) {
    await note(toLarderError(error).code);
    throw error;
  }
}

async function run({ stderr, clock, signal }: CliParts, plan: RestorePlan): Promise<RestoreResult> {
  const bar = new ProgressBar(stderr, clock);
  try {
    return await restoreBackup(plan, { clock, signal, onProgress: (progress) => bar.update(progress) });
  } finally {
    bar.clear();
  }
}

/** Proves the restored copy, and leaves a running server. */
function start({ clock, signal, environment }: CliParts, { plan, owner }: Decided): Promise<Started> {
  return startRestored(plan, { owner, searchPath: environment['PATH'], clock, signal, leave: 'running' });
}

function startedText(result: RestoreResult, started: Started): string {
  const { directory, bytes, seconds } = result;
  const lines = [
    '',
    `Restored ${formatBytes(bytes)} into ${directory} in ${formatDuration(seconds)}.`,
    ...deltaText(result),
    `PostgreSQL replayed the log ${started.reached} in ${formatDuration(started.seconds)}${started.timeline === undefined ? '' : `; it is on timeline ${started.timeline} now`}.`,
    started.running ? `It runs; its log is ${started.logFile}.` : 'It was stopped again.',
  ];
  return `${lines.join('\n')}\n`;
}

function resultText(result: RestoreResult, next: NextSteps): string {
  const { directory, files, bytes, seconds } = result;
  const amount = `${formatBytes(bytes)} in ${plural(files, 'file')}`;
  const lines = [
    '',
    `Restored ${amount} into ${directory} in ${formatDuration(seconds)} (${formatRate(bytes, seconds)}).`,
    ...deltaText(result),
    'Start it with:',
    '',
    `  ${next.startCommand}`,
    '',
    ...next.remarks,
  ];
  return `${lines.join('\n')}\n`;
}

function deltaText({ delta }: RestoreResult): string[] {
  if (delta === undefined) return [];
  const { comparedBytes, believedBytes, writtenBytes, removedFiles } = delta;
  const removed = removedFiles === 0 ? 'nothing' : plural(removedFiles, 'file');
  return [
    ...(believedBytes === 0
      ? []
      : [`Kept ${formatBytes(believedBytes)} unread: nothing touched it since it was restored.`]),
    `Compared ${formatBytes(comparedBytes)} of the earlier copy, wrote ${formatBytes(writtenBytes)}, removed ${removed}.`,
  ];
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
