import { Command } from 'commander';
import { LEASE_WAIT } from '../cluster-parts.ts';
import { parseDuration } from '../config/units.ts';
import { LarderError } from '../errors.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { findBackup } from '../repository/catalogue.ts';
import { isActive, readHolds, type StoredHold } from '../repository/hold-record.ts';
import { parseBackupId } from '../repository/layout.ts';
import { parseTime } from '../restore/recovery/parse-time.ts';
import { placeHold } from '../retention/place-hold.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { noteInTrail } from './audit-note.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatTime } from '../format.ts';
import { whoAmI } from './person.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';
import { formatTable } from './table.ts';

interface HoldOptions extends RepositoryOptions {
  readonly until?: string;
  readonly reason?: string;
  readonly list?: true;
  readonly json?: true;
}

/** `larder hold`. */
export function holdCommand(parts: CliParts): Command {
  const command = new Command('hold')
    .description('keep a backup, and what it builds on, until a time, whatever the retention policy says')
    .argument('[id]', 'the backup, or latest')
    .option('--until <time>', 'a time as "2027-06-30" or "2027-06-30 12:00+02", or from now on as 90d or 12w')
    .option('--reason <text>', 'why; everybody who looks at the holds can read it')
    .option('--list', 'show every hold there ever was, of one backup or of all');
  return withRepositoryOptions(command)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string | undefined, options: HoldOptions) => hold(parts, id, options));
}

const EXAMPLES = `
Examples:
  $ larder hold latest --until 90d --reason "before the migration"
  $ larder hold full_backup_truck_20261122_020000 --until 2033-01-01 --reason "tax audit"
  $ larder hold --list`;

async function hold(parts: CliParts, given: string | undefined, options: HoldOptions): Promise<void> {
  const { store } = await openForReading(parts, options);
  const id = given === 'latest' ? (await findBackup(store, given)).id : given;
  if (id !== undefined && parseBackupId(id) === undefined) throw usage(`"${id}" is no id of a backup`);
  if (options.list === true) {
    listHolds(parts, options, await readHolds(store, id));
    return;
  }
  const { until, reason } = options;
  if (id === undefined) throw usage('which backup is to be held?');
  if (until === undefined || reason === undefined || reason.trim() === '')
    throw usage('a hold needs --until and --reason');
  await place(parts, store, { id, until, reason, json: options.json });
}

async function place(
  parts: CliParts,
  store: ObjectStore,
  { id, until, reason, json }: { id: string; until: string; reason: string; json: true | undefined },
): Promise<void> {
  const { clock, signal, stdout } = parts;
  const time = parseUntil(until, clock.now());
  const name = await placeHold(
    store,
    { backup: id, until: time, reason, by: whoAmI() },
    { clock, signal, processIdentity: readProcessIdentity(), leaseWait: LEASE_WAIT },
  );
  const iso = new Date(time).toISOString();
  await noteInTrail(parts, { action: 'hold', subject: id, details: { until: iso, reason, record: name } });
  if (json === true) writeJson(stdout, { name, backup: id, until: iso, reason });
  else stdout.write(`${id} is held until ${formatTime(iso)}, with everything it builds on.\n`);
}

/** @returns ms since 1970 UTC. Throws USAGE, also for a time that is over. */
export function parseUntil(text: string, now: number): number {
  const given = text.trim();
  if (/^\d+(\.\d+)? ?[a-z]+$/i.test(given)) return now + parseDuration(given);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(given);
  const time = Number(parseTime(isDay ? `${given} 00:00` : given, now) / 1000n);
  if (time > now) return time;
  throw usage(`--until ${JSON.stringify(text)} is over already`);
}

function listHolds({ stdout, clock }: CliParts, { json }: HoldOptions, holds: readonly StoredHold[]): void {
  const now = clock.now();
  if (json === true) {
    writeJson(stdout, {
      holds: holds.map((stored) => ({
        ...stored,
        problem: stored.problem?.message ?? null,
        state: stateOf(stored, now),
      })),
    });
  } else if (holds.length === 0) stdout.write('There are no holds.\n');
  else
    stdout.write(
      formatTable(
        COLUMNS,
        holds.map((stored) => row(stored, now)),
      ),
    );
}

const COLUMNS = ['BACKUP', 'STATE', 'UNTIL', 'PLACED', 'BY', 'REASON', 'RELEASED'].map((title) => ({
  title,
}));

function row(stored: StoredHold, now: number): string[] {
  const { backup, hold: record, release, problem } = stored;
  if (record === undefined) return [backup, 'holds', 'UNREADABLE', '-', '-', problem?.message ?? '-', '-'];
  const { until, placed, by, reason } = record;
  const released =
    release === undefined
      ? '-'
      : `${formatTime(release.released)} by ${release.by.user}@${release.by.host}${release.reason === null ? '' : `: ${release.reason}`}`;
  const who = `${by.user}@${by.host}`;
  return [backup, stateOf(stored, now), formatTime(until), formatTime(placed), who, reason, released];
}

function stateOf(stored: StoredHold, now: number): 'holds' | 'released' | 'over' {
  if (isActive(stored, now)) return 'holds';
  return stored.release === undefined ? 'over' : 'released';
}

function usage(message: string): LarderError {
  return new LarderError('USAGE', message, {
    hint: 'larder hold <id> --until 2027-06-30 --reason "tax audit"; "larder list" shows the ids.',
  });
}
