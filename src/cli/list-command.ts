import { Command } from 'commander';
import { toLarderError } from '../errors.ts';
import { chainOf } from '../repository/backup-chain.ts';
import { findBackup, readCatalogue, type Catalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { ProofResult } from '../repository/layout.ts';
import { listProofs } from '../repository/proof-state.ts';
import { readRollForward, type RollForward } from '../restore/recovery/roll-forward.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { backupDetails, backupFacts, backupJson, durationSeconds, warningLines } from './backup-text.ts';
import { writeJson, type CliParts, type Output } from './cli-parts.ts';
import { formatBytes, formatDuration, formatTime } from '../format.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import {
  readRemarks,
  remarkJson,
  remarkPairs,
  remarkText,
  type RetentionRemark,
} from './retention-remark.ts';
import { reachText, rollForwardJson } from './roll-forward-text.ts';
import { formatPairs, formatTable, type Column } from './table.ts';

interface ListOptions extends RepositoryOptions {
  readonly json?: true;
}

/** `larder list`. */
export function listCommand(parts: CliParts): Command {
  const command = new Command('list')
    .description(
      'show the backups of the repository and how far each can be rolled forward, or one of them in detail',
    )
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
  if (id === undefined) {
    const catalogue = await readCatalogue(store);
    const reaches = await readReaches(parts, store, catalogue.backups);
    const remarks = await readRemarks(store, parts.clock.now());
    printCatalogue(parts.stdout, store, { ...options, ...catalogue, reaches, remarks });
  } else {
    const backup = await findBackup(store, id);
    const reach = (await readReaches(parts, store, [backup]))?.get(backup.id);
    const remark = (await readRemarks(store, parts.clock.now())).get(backup.id);
    const proof = (await listProofs(store, backup.id)).at(-1)?.result;
    printBackup(parts.stdout, options, { backup, reach, remark, proof });
  }
}

/** By backup. What keeps the log from being looked at does not keep the backups from being listed. */
async function readReaches(
  { stderr }: CliParts,
  store: ObjectStore,
  backups: readonly CommitRecord[],
): Promise<Listing['reaches']> {
  try {
    const reaches = await readRollForward(store, backups);
    return new Map(reaches.map((reach) => [reach.backup, reach]));
  } catch (error) {
    stderr.write(`how far backups can be rolled forward is not known: ${toLarderError(error).message}\n`);
    return undefined;
  }
}

interface Listing extends Catalogue, ListOptions {
  /** undefined: the log could not be looked at. */
  readonly reaches: ReadonlyMap<string, RollForward> | undefined;
  readonly remarks: ReadonlyMap<string, RetentionRemark>;
}

function printCatalogue(stdout: Output, store: ObjectStore, listing: Listing): void {
  const { backups, unreadable, reaches, remarks, proofs, json } = listing;
  if (json === true) writeJson(stdout, listingJson(store, listing));
  else if (backups.length + unreadable.length === 0) {
    stdout.write(`There are no backups in ${store.description} yet. Take the first: larder backup\n`);
  } else {
    const unreadableRows = unreadable.map(({ id, problem }) => [
      id,
      ...BLANK,
      `UNREADABLE: ${problem.message}`,
    ]);
    const byId = new Map(backups.map((backup) => [backup.id, backup]));
    const rows = backups.map((record) =>
      row(record, {
        reach: reaches?.get(record.id),
        byId,
        remark: remarks.get(record.id),
        proof: proofs.get(record.id),
      }),
    );
    stdout.write(formatTable(COLUMNS, [...rows, ...unreadableRows]));
  }
}

function listingJson(store: ObjectStore, { backups, unreadable, reaches, remarks, proofs }: Listing): object {
  return {
    repository: store.description,
    backups: backups.map((record) => ({
      ...backupJson(record),
      rollForward: jsonOf(reaches?.get(record.id)),
      ...remarkJson(remarks.get(record.id)),
      proof: proofs.get(record.id) ?? null,
    })),
    unreadable: unreadable.map(({ id, problem: { code, message } }) => ({ id, code, message })),
  };
}

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'TYPE' },
  { title: 'STARTED' },
  { title: 'TOOK', right: true },
  { title: 'SOURCE', right: true },
  { title: 'STORED', right: true },
  { title: 'WAL' },
  { title: 'ROLLS FORWARD TO' },
  { title: 'STATE' },
];
/** What an unreadable backup has between its id and its state. */
const BLANK = COLUMNS.slice(2).map(() => '-');

interface Beside {
  readonly reach: RollForward | undefined;
  readonly byId: ReadonlyMap<string, CommitRecord>;
  readonly remark: RetentionRemark | undefined;
  readonly proof: ProofResult | undefined;
}

function row(record: CommitRecord, { reach, byId, remark, proof }: Beside): readonly string[] {
  return [
    record.id,
    record.type,
    formatTime(record.startTime),
    formatDuration(durationSeconds(record)),
    formatBytes(record.sourceBytes),
    formatBytes(record.storedBytes),
    `${record.startLsn} - ${record.stopLsn}`,
    rollsForwardTo(reach),
    rowState(record, byId) + proofRemark(proof) + remarkText(remark),
  ];
}

function rowState(record: CommitRecord, byId: ReadonlyMap<string, CommitRecord>): string {
  if (chainOf(record, byId) === undefined) return 'CHAIN BROKEN: a backup it builds on is missing';
  return record.state === 'complete' ? 'complete' : 'DAMAGED SOURCE';
}

function proofWords(proof: ProofResult | undefined): string {
  if (proof === undefined) return 'never restored to prove it';
  return proof === 'verified' ? 'proven by a real restore' : 'FAILED: quarantined, nothing is built on it';
}

function proofRemark(proof: ProofResult | undefined): string {
  if (proof === undefined) return '';
  return proof === 'verified' ? ', verified' : ', QUARANTINED: its verification failed';
}

function printBackup(
  stdout: Output,
  { json }: ListOptions,
  { backup, reach, remark, proof }: { readonly backup: CommitRecord } & Omit<Beside, 'byId'>,
): void {
  if (json === true) {
    writeJson(stdout, {
      ...backup,
      rollForward: jsonOf(reach),
      ...remarkJson(remark),
      proof: proof ?? null,
    });
    return;
  }
  const facts = [...backupFacts(backup), ...backupDetails(backup), ...remarkPairs(remark)];
  stdout.write(
    formatPairs([...facts, ['rolls forward to', rollsForwardTo(reach)], ['verification', proofWords(proof)]]),
  );
  stdout.write(warningLines(backup.warnings));
  const rows = backup.objects.map(({ name, size, sha256 }) => [name, formatBytes(size), sha256]);
  stdout.write(
    `\n${formatTable([{ title: 'OBJECT' }, { title: 'SIZE', right: true }, { title: 'SHA-256' }], rows)}`,
  );
}

function rollsForwardTo(reach: RollForward | undefined): string {
  return reach === undefined ? 'UNKNOWN' : reachText(reach);
}

function jsonOf(reach: RollForward | undefined): object | null {
  return reach === undefined ? null : rollForwardJson(reach);
}
