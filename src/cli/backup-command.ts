import { Command } from 'commander';
import { runLimits } from '../cluster-limits.ts';
import { backupRequest, clusterParts, knowsBackup } from '../cluster-parts.ts';
import { LarderError } from '../errors.ts';
import { backupJob } from '../jobs/backup.ts';
import { perTask } from '../jobs/job.ts';
import { findBackup, readCommitRecord } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { RunHistory } from '../scheduler/history.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { backupFacts, backupJson, warningLines } from './backup-text.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatRate } from '../format.ts';
import { runRecorded } from './run-recorded.ts';
import { formatPairs } from './table.ts';

interface BackupOptions {
  readonly cluster?: string;
  readonly full?: true;
  readonly incremental?: true;
  readonly parent?: string;
  readonly newRepository?: true;
  readonly json?: true;
}

/** `larder backup`. */
export function backupCommand(parts: CliParts): Command {
  return new Command('backup')
    .description('take a backup now: what changed since the last one, or all where none can be built on')
    .option('--full', 'a backup that depends on no other')
    .option(
      '--incremental',
      'what changed since an earlier one; all, where none can be built on (the default)',
    )
    .option('--parent <id>', 'the backup to build on; the newest that can be, without it')
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--new-repository', 'begin a new repository where an earlier one is gone')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: BackupOptions) => backup(parts, options));
}

const EXAMPLES = `
Examples:
  $ larder backup
  $ larder backup --full
  $ larder backup --json | jq --raw-output .id
  $ DATABASE_URL=postgresql://larder@db/truck BACKUP_DIR=/backups larder backup`;

async function backup(parts: CliParts, options: BackupOptions): Promise<void> {
  assertOneType(options);
  const config = await parts.loadConfig();
  const cluster = chooseCluster(config, options.cluster);
  const repository = clusterParts(cluster);
  const history = await RunHistory.open(config.stateDirectory, parts.clock);
  const job = backupJob({
    // whoever types the command learns at once that another backup runs
    request: {
      ...backupRequest(repository, parts.version, options.full === true ? 'full' : 'incremental'),
      leaseWait: 0,
      parent: await parentId(repository.store, options.parent),
    },
    clock: parts.clock,
    processIdentity: readProcessIdentity(),
    repositoryExpected: async () =>
      options.newRepository !== true && (await knowsBackup(history, cluster.name)),
  });
  const limits = runLimits(cluster, parts.clock.now());
  const { run, error } = await runRecorded(parts, job, {
    cluster: cluster.name,
    stateDirectory: config.stateDirectory,
    history,
    // whoever types the command learns at once that it failed
    limits: perTask((task) => ({ ...limits[task], retrySeconds: 0 })),
  });
  if (run.backupId !== undefined) {
    printResult(parts, options, { run, record: await readCommitRecord(repository.store, run.backupId) });
  }
  if (error !== undefined) throw error;
}

function assertOneType({ full, incremental, parent }: BackupOptions): void {
  if (full !== true || (incremental !== true && parent === undefined)) return;
  throw new LarderError('USAGE', 'a full backup builds on no other', {
    hint: 'Leave --full out, or leave out --incremental and --parent.',
  });
}

/** @throws LarderError BACKUP_UNKNOWN: whoever names a parent must not get a full backup for a slip of the pen */
async function parentId(store: ObjectStore, wanted: string | undefined): Promise<string | undefined> {
  return wanted === undefined ? undefined : (await findBackup(store, wanted)).id;
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
