import { Command } from 'commander';
import { readReceiver } from '../cluster-receiver.ts';
import { LarderError } from '../errors.ts';
import type { PublishedStatus } from '../transaction-log/receiver-status.ts';
import { readArchiveState } from '../verify/archive-state.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { plural } from '../format.ts';
import { ProgressBar } from './progress-bar.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { walStatusJson, walStatusText } from './wal-status-text.ts';

interface StatusOptions extends RepositoryOptions {
  readonly quick?: true;
  readonly json?: true;
}

/** `larder wal status`. */
export function walStatusCommand(parts: CliParts): Command {
  const command = new Command('status').description(
    'show what is stored of the transaction log, what is missing, and how far backups can be rolled forward',
  );
  return withRepositoryOptions(command)
    .option('--quick', 'look at names only, and do not read what is stored')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: StatusOptions) => status(parts, options));
}

const EXAMPLES = `
Exit 0 only when nothing is damaged, and nothing is missing that a backup would be rolled forward through.

Examples:
  $ larder wal status
  $ larder wal status --quick --json | jq .problems
  $ larder wal status --repository /mnt/backups`;

async function status(parts: CliParts, options: StatusOptions): Promise<void> {
  const { store } = await openForReading(parts, options);
  const { clock, signal, stdout } = parts;
  const bar = new ProgressBar(parts.stderr, clock);
  const onProgress = (done: { doneBytes: number; totalBytes: number }): void =>
    bar.update({ phase: 'reading', ...done });
  const state = await readArchiveState(store, {
    read: options.quick !== true,
    signal,
    onProgress,
  }).finally(() => bar.clear());
  const receiver = { status: await findReceiver(parts, options), now: clock.now() };
  if (options.json === true) writeJson(stdout, walStatusJson(state, receiver));
  else stdout.write(walStatusText(state, receiver));
  const [first] = state.problems;
  if (first === undefined) return;
  throw new LarderError(
    'WAL_GAP',
    `the transaction log is not whole: ${plural(state.problems.length, 'problem')}`,
    {
      hint: 'Take a new full backup now (larder backup): nothing behind a hole can be reached from the backups before it.',
    },
  );
}

/** What a receiver on this host says of itself; `undefined` where none runs, or none is configured. */
async function findReceiver(parts: CliParts, options: StatusOptions): Promise<PublishedStatus | undefined> {
  if (options.repository !== undefined) return undefined;
  const config = await parts.loadConfig();
  return readReceiver(config.stateDirectory, chooseCluster(config, options.cluster).name, parts.clock);
}
