import { Command } from 'commander';
import { backupRequest, clusterParts, knowsBackup } from '../assemble.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { fullBackupJob } from '../jobs/full-backup.ts';
import type { Job } from '../jobs/job.ts';
import { readCommitRecord } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { RunHistory } from '../scheduler/history.ts';
import { RunEvents } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import { JobRunner } from '../scheduler/runner.ts';
import { backupFacts, backupJson, warningLines } from './backup-text.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatRate } from './format.ts';
import { ProgressBar } from './progress-bar.ts';
import { formatPairs } from './table.ts';

interface BackupOptions {
  readonly cluster?: string;
  readonly incremental?: true;
  readonly newRepository?: true;
  readonly json?: true;
}

/** `larder backup`. */
export function backupCommand(parts: CliParts): Command {
  return new Command('backup')
    .description('take a full backup now')
    .option('--full', 'a backup that depends on no other (the default)')
    .option('--incremental', 'only what changed since the last one (not built yet)')
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--new-repository', 'begin a new repository where an earlier one is gone')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: BackupOptions) => backup(parts, options));
}

const EXAMPLES = `
Examples:
  $ larder backup
  $ larder backup --json | jq --raw-output .id
  $ DATABASE_URL=postgresql://larder@db/truck BACKUP_DIR=/backups larder backup`;

async function backup(parts: CliParts, options: BackupOptions): Promise<void> {
  if (options.incremental === true) {
    throw new LarderError('NOT_BUILT_YET', 'incremental backups are not built yet', {
      hint: 'Take a full one: larder backup.',
    });
  }
  const config = await parts.loadConfig();
  const cluster = chooseCluster(config, options.cluster);
  const repository = clusterParts(cluster);
  const history = await RunHistory.open(config.stateDirectory, parts.clock);
  const job = fullBackupJob({
    // whoever types the command learns at once that another backup runs
    request: { ...backupRequest(repository, parts.version), leaseWait: 0 },
    clock: parts.clock,
    processIdentity: readProcessIdentity(),
    repositoryExpected: async () =>
      options.newRepository !== true && (await knowsBackup(history, cluster.name)),
  });
  const { run, error } = await runRecorded(parts, job, {
    cluster: cluster.name,
    history,
    timeoutSeconds: { backup_full: cluster.backupTimeout / 1000 },
  });
  if (run.backupId !== undefined) {
    printResult(parts, options, { run, record: await readCommitRecord(repository.store, run.backupId) });
  }
  if (error !== undefined) throw error;
}

type RunnerChoices = Pick<
  ConstructorParameters<typeof JobRunner>[0],
  'cluster' | 'history' | 'timeoutSeconds'
>;

/** Runs the job with its progress shown. It is on record before its first step and at its end, however it ends. */
async function runRecorded(
  parts: CliParts,
  job: Job,
  choices: RunnerChoices,
): Promise<{ run: RunRecord; error: LarderError | undefined }> {
  const { clock, signal, stderr } = parts;
  const bar = new ProgressBar(stderr, clock);
  const events = new RunEvents((error) => stderr.write(`warning: ${toLarderError(error).message}\n`));
  events.listen({ progress: (progress) => bar.update({ phase: 'working', ...progress }) });
  const runner = new JobRunner({ ...choices, events, clock });
  const interrupt = (): void => void runner.shutdown();
  signal.throwIfAborted();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const run = await runner.run(job, 'manual');
    return { run, error: errorOf(run) };
  } finally {
    signal.removeEventListener('abort', interrupt);
    bar.clear();
  }
}

function errorOf({ result, errorCode, errorMessage, hint }: RunRecord): LarderError | undefined {
  if (result === 'success') return undefined;
  const message = errorMessage ?? 'the run ended without saying why';
  return new LarderError(errorCode ?? 'INTERNAL', message, hint === undefined ? {} : { hint });
}

function printResult(
  { stdout }: CliParts,
  { json }: BackupOptions,
  { run, record }: { run: RunRecord; record: CommitRecord },
): void {
  const { durationSeconds = 0, warnings = [] } = run;
  if (json === true) {
    writeJson(stdout, { ...backupJson(record), warnings, durationSeconds });
    return;
  }
  const rate = ['rate', formatRate(record.sourceBytes, durationSeconds)] as const;
  stdout.write(formatPairs([...backupFacts(record, durationSeconds), rate]));
  stdout.write(warningLines(warnings));
}
