import { Command } from 'commander';
import { chainOf } from '../repository/backup-chain.ts';
import { findBackup, readCatalogue, type Catalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { backupDetails, backupFacts, backupJson, durationSeconds, warningLines } from './backup-text.ts';
import { writeJson, type CliParts, type Output } from './cli-parts.ts';
import { formatBytes, formatDuration, formatTime } from './format.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { formatPairs, formatTable, type Column } from './table.ts';

interface ListOptions extends RepositoryOptions {
  readonly json?: true;
}

/** `larder list`. */
export function listCommand(parts: CliParts): Command {
  const command = new Command('list')
    .description('show the backups of the repository, or one of them in detail')
    .argument('[id]', 'the backup to show in detail, or latest');
  return withRepositoryOptions(command)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string | undefined, options: ListOptions) => list(parts, id, options));
}

const EXAMPLES = `
Examples:
  $ larder list
  $ larder list latest
  $ larder list full_backup_truck_20261122_020000
  $ larder list --repository /mnt/backups --json`;

async function list(parts: CliParts, id: string | undefined, options: ListOptions): Promise<void> {
  const { store } = await openForReading(parts, options);
  if (id === undefined) printCatalogue(parts.stdout, store, { ...options, ...(await readCatalogue(store)) });
  else printBackup(parts.stdout, options, await findBackup(store, id));
}

function printCatalogue(stdout: Output, store: ObjectStore, catalogue: Catalogue & ListOptions): void {
  const { backups, unreadable, json } = catalogue;
  if (json === true) {
    const problems = unreadable.map(({ id, problem: { code, message } }) => ({ id, code, message }));
    writeJson(stdout, {
      repository: store.description,
      backups: backups.map(backupJson),
      unreadable: problems,
    });
  } else if (backups.length + unreadable.length === 0) {
    stdout.write(`There are no backups in ${store.description} yet. Take the first: larder backup\n`);
  } else {
    const unreadableRows = unreadable.map(({ id, problem }) => [
      id,
      ...BLANK,
      `UNREADABLE: ${problem.message}`,
    ]);
    const byId = new Map(backups.map((backup) => [backup.id, backup]));
    stdout.write(formatTable(COLUMNS, [...backups.map((backup) => row(backup, byId)), ...unreadableRows]));
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'TYPE' },
  { title: 'STARTED' },
  { title: 'TOOK', right: true },
  { title: 'SOURCE', right: true },
  { title: 'STORED', right: true },
  { title: 'WAL' },
  { title: 'STATE' },
];
/** What an unreadable backup has between its id and its state. */
const BLANK = COLUMNS.slice(2).map(() => '-');

function row(record: CommitRecord, byId: ReadonlyMap<string, CommitRecord>): readonly string[] {
  return [
    record.id,
    record.type,
    formatTime(record.startTime),
    formatDuration(durationSeconds(record)),
    formatBytes(record.sourceBytes),
    formatBytes(record.storedBytes),
    `${record.startLsn} - ${record.stopLsn}`,
    rowState(record, byId),
  ];
}

function rowState(record: CommitRecord, byId: ReadonlyMap<string, CommitRecord>): string {
  if (chainOf(record, byId) === undefined) return 'CHAIN BROKEN: a backup it builds on is missing';
  return record.state === 'complete' ? 'complete' : 'DAMAGED SOURCE';
}

function printBackup(stdout: Output, { json }: ListOptions, record: CommitRecord): void {
  if (json === true) {
    writeJson(stdout, record);
    return;
  }
  stdout.write(formatPairs([...backupFacts(record), ...backupDetails(record)]));
  stdout.write(warningLines(record.warnings));
  const rows = record.objects.map(({ name, size, sha256 }) => [name, formatBytes(size), sha256]);
  stdout.write(
    `\n${formatTable([{ title: 'OBJECT' }, { title: 'SIZE', right: true }, { title: 'SHA-256' }], rows)}`,
  );
}
