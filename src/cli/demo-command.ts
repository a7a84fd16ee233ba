import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { backupRequest, clusterParts, type ClusterParts } from '../cluster-parts.ts';
import { takeBackup } from '../backup/take-backup.ts';
import { DEFAULTS } from '../config/schema.ts';
import { differences, fingerprintCluster, type ClusterFingerprint } from '../demo/compare-clusters.ts';
import { configureDemo } from '../demo/demo-settings.ts';
import { openDemoCluster, type DemoCluster } from '../demo/embedded-cluster.ts';
import { restoreCopy, startCopy, type RestoredCopy } from '../demo/restored-copy.ts';
import { LarderError } from '../errors.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { findBackup } from '../repository/catalogue.ts';
import { readProcessIdentity } from '../process-identity.ts';
import type { CliParts } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRate, formatRatio, plural } from '../format.ts';
import { ProgressBar } from './progress-bar.ts';

interface DemoOptions {
  readonly scale: number;
}

/** `larder demo`, which `npm run demo` runs. */
export function demoCommand(parts: CliParts): Command {
  return new Command('demo')
    .description(
      'show it all once on a PostgreSQL of its own: back up, restore beside it, compare every table',
    )
    .option('--scale <number>', 'how much data: 1 is about 200 MB', parseScale, 1)
    .addHelpText('after', EXAMPLES)
    .action((options: DemoOptions) => demo(parts, options));
}

const EXAMPLES = `
Everything lies in a temporary directory, which is removed at the end, also after Ctrl-C and after a failure.

Examples:
  $ larder demo
  $ larder demo --scale 0.05`;

function parseScale(text: string): number {
  const scale = Number(text);
  if (scale > 0 && scale <= 100) return scale;
  throw new InvalidArgumentError('Write a number above 0, at most 100.');
}

/** What the steps of the demonstration share. */
interface Stage extends CliParts {
  readonly directory: string;
  readonly scale: number;
  readonly bar: ProgressBar;
}

async function demo(parts: CliParts, { scale }: DemoOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-demo-'));
  // PostgreSQL does not run as root: its account has to pass
  await chmod(directory, 0o711);
  const stage: Stage = { ...parts, directory, scale, bar: new ProgressBar(parts.stderr, parts.clock) };
  const began = parts.clock.monotonic();
  try {
    await perform(stage);
    say(stage, `\nEverything came back, in ${elapsed(stage, began)} from the first step to the last.`);
  } finally {
    stage.bar.clear();
    await rm(directory, { recursive: true, force: true });
    say(stage, `Removed ${directory}.`);
  }
}

async function perform(stage: Stage): Promise<void> {
  const { clock, signal, scale, directory } = stage;
  say(stage, '1. A PostgreSQL of its own, filled with the data of an invented food-truck company');
  const began = clock.monotonic();
  const cluster = await openDemoCluster({ directory, scale, clock, signal });
  try {
    say(stage, `   runs in ${cluster.directory} (${elapsed(stage, began)})`);
    const repository = await describeCluster(stage, cluster);
    await backUp(stage, repository);
    const backup = await find(stage, repository);
    const copy = await restore(stage, repository, backup);
    await compare(stage, { cluster, copy, backup });
  } finally {
    await cluster.stop();
    // where its account could not reach our directory, it lies elsewhere
    await rm(cluster.directory, { recursive: true, force: true });
  }
}

async function describeCluster(
  { directory, environment }: Stage,
  cluster: DemoCluster,
): Promise<ClusterParts> {
  const { config } = await configureDemo({ directory, cluster, http: DEFAULTS.http }, environment);
  const [only] = config.clusters;
  if (only === undefined) throw new LarderError('INTERNAL', 'the demonstration has no cluster');
  return clusterParts(only);
}

async function backUp(stage: Stage, repository: ClusterParts): Promise<void> {
  const { clock, signal, version, bar } = stage;
  say(stage, '\n2. A full backup of the running server, over the replication protocol');
  const began = clock.monotonic();
  const backup = await takeBackup(backupRequest(repository, version), {
    clock,
    signal,
    processIdentity: readProcessIdentity(),
    onProgress: (progress) => bar.update(progress),
  });
  const seconds = (clock.monotonic() - began) / 1000;
  const { id, sourceBytes, storedBytes, files, objects } = backup;
  say(stage, `   ${id} in ${repository.store.description}`);
  say(
    stage,
    `   ${formatBytes(sourceBytes)} in ${plural(files, 'file')}, ${formatRate(sourceBytes, seconds)}`,
  );
  say(
    stage,
    `   stored as ${formatBytes(storedBytes)} in ${plural(objects.length, 'object')} (${formatRatio(sourceBytes, storedBytes)}), ${elapsed(stage, began)}`,
  );
}

/** From here on the repository is all there is, as after the loss of the host. */
async function find(stage: Stage, { store }: ClusterParts): Promise<CommitRecord> {
  say(stage, '\n3. The newest backup, found in the repository');
  const backup = await findBackup(store, 'latest');
  const databases = (backup.databases ?? []).map(({ name }) => name).join(', ');
  say(stage, `   ${backup.id}, PostgreSQL ${backup.serverVersion}, databases ${databases}`);
  return backup;
}

async function restore(stage: Stage, repository: ClusterParts, backup: CommitRecord): Promise<RestoredCopy> {
  const { clock, signal, bar } = stage;
  say(stage, '\n4. Restored from there into a directory of its own');
  const { store, location, config } = repository;
  const copy = await restoreCopy({
    ...{ store, location, backup, clock, signal },
    workers: config.workers,
    directory: join(stage.directory, 'restored'),
    onProgress: (progress) => bar.update(progress),
  });
  const { bytes, files, seconds } = copy.result;
  say(
    stage,
    `   ${formatBytes(bytes)} in ${plural(files, 'file')}, ${formatRate(bytes, seconds)}, ${formatDuration(seconds)}`,
  );
  return copy;
}

/** Throws VERIFICATION_FAILED when anything differs. */
async function compare(
  stage: Stage,
  { cluster, copy, backup }: { cluster: DemoCluster; copy: RestoredCopy; backup: CommitRecord },
): Promise<void> {
  say(stage, '\n5. The restored copy, started beside the original');
  const began = stage.clock.monotonic();
  await using instance = await startCopy(copy, { ...stage, backup });
  say(stage, `   answers after ${elapsed(stage, began)}`);
  say(stage, '\n6. Every table of every database of both, compared by row count and a hash of the content');
  const compared = stage.clock.monotonic();
  // unlogged tables are empty after every restore, as after a crash
  const original = await fingerprintCluster(cluster.superuserConnection, { unlogged: false });
  stage.signal.throwIfAborted();
  const restored = await fingerprintCluster(instance.connection, { unlogged: false });
  const found = differences(original, restored);
  for (const difference of found) say(stage, `   DIFFERENT: ${difference}`);
  if (found.length > 0) {
    throw new LarderError(
      'VERIFICATION_FAILED',
      `the restored copy differs in ${plural(found.length, 'place')}`,
    );
  }
  say(stage, `   ${countText(restored)}: all the same (${elapsed(stage, compared)})`);
}

/** `18 tables in 3 databases with 1234567 rows`, of those that hold tables. */
export function countText(fingerprint: ClusterFingerprint): string {
  const tables = Object.entries(fingerprint).filter(([name]) => name.includes(': table '));
  const databases = new Set(tables.map(([name]) => name.split(': table ')[0]));
  const rows = tables.reduce((sum, [, content]) => sum + content.rows, 0);
  return `${plural(tables.length, 'table')} in ${plural(databases.size, 'database')} with ${rows.toLocaleString('en')} rows`;
}

/** Time since a moment of the monotonic clock. */
function elapsed({ clock }: Stage, began: number): string {
  return formatDuration((clock.monotonic() - began) / 1000);
}

function say({ stdout, bar }: Stage, text: string): void {
  bar.clear();
  stdout.write(`${text}\n`);
}
