import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spoolDirectory } from '../cluster-parts.ts';
import { LarderError } from '../errors.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { decodeStatus, STATUS_FILE, type PublishedStatus } from '../transaction-log/receiver-status.ts';
import { Spool } from '../transaction-log/spool.ts';
import { readArchiveState, type ArchiveState } from '../verify/archive-state.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatBytes, plural, printable } from './format.ts';
import { ProgressBar } from './progress-bar.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { formatPairs, formatTable } from './table.ts';

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
Exit 0 only when nothing is missing or damaged.

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
  const receiver = await readReceiver(parts, options);
  if (options.json === true) writeJson(stdout, { ...stateJson(state), receiver: receiver ?? null });
  else stdout.write(stateText(state, receiver));
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
async function readReceiver(parts: CliParts, options: StatusOptions): Promise<PublishedStatus | undefined> {
  if (options.repository !== undefined) return undefined;
  const config = await parts.loadConfig();
  const directory = spoolDirectory(config.stateDirectory, chooseCluster(config, options.cluster).name);
  if ((await Spool.holder(directory, readProcessIdentity(), parts.clock)) === undefined) return undefined;
  return decodeStatus(await readFile(join(directory, STATUS_FILE), 'utf8').catch(() => ''));
}

function stateText(state: ArchiveState, receiver: PublishedStatus | undefined): string {
  const facts: (readonly [string, string])[] = [
    ['archive', state.archives.length === 0 ? 'no WAL was ever received: larder wal receive' : ''],
    ...state.archives.flatMap((archive): (readonly [string, string])[] => [
      ['system', `${archive.systemIdentifier}, PostgreSQL ${archive.major}`],
      [
        'holds',
        `${plural(archive.segments, 'segment')} of ${formatBytes(archive.segmentSize)}, ${plural(archive.tails, 'tail')}, ${formatBytes(archive.storedBytes)} stored`,
      ],
      ['timelines', archive.timelines.join(', ')],
      ['position', archive.position ?? 'not known'],
      ['complete until', archive.complete ?? 'not known'],
    ]),
    [
      'read',
      state.read
        ? 'every stored byte has its checksum, but for the problems below'
        : 'names only (--quick): bytes were not read',
    ],
    ['receiver', receiverText(receiver)],
    ['problems', state.problems.length === 0 ? 'none' : String(state.problems.length)],
  ];
  const problems = state.problems.map(({ code, message }) => `  ${printable(message)} [${code}]\n`).join('');
  const rows = state.backups.map(({ id, reaches, hole }) => [id, reaches, hole ?? '']);
  const columns = [{ title: 'BACKUP' }, { title: 'REACHES' }, { title: 'HOLE' }];
  const backups = rows.length === 0 ? '' : `\n${formatTable(columns, rows)}`;
  return `${formatPairs(facts.filter(([, value]) => value !== ''))}${problems}${backups}`;
}

function receiverText(receiver: PublishedStatus | undefined): string {
  if (receiver === undefined) return 'none runs on this host: what the server writes now is unprotected';
  const since = receiver.unprotectedSince;
  const lag = since === null ? 'nothing is unprotected' : `changes are unprotected since ${since}`;
  return `${receiver.state}${receiver.problem === null ? '' : ` (${receiver.problem})`}; ${lag}`;
}

function stateJson(state: ArchiveState): object {
  return { ...state, problems: state.problems.map(({ code, message }) => ({ code, message })) };
}
