import { Command } from 'commander';
import { findBackup } from '../repository/catalogue.ts';
import { releaseHolds } from '../retention/place-hold.ts';
import { noteInTrail } from './audit-note.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { plural } from '../format.ts';
import { whoAmI } from './person.ts';
import { openForReading, withRepositoryOptions, type RepositoryOptions } from './repository-option.ts';

interface ReleaseOptions extends RepositoryOptions {
  readonly reason?: string;
  readonly json?: true;
}

/** `larder release`. */
export function releaseCommand(parts: CliParts): Command {
  const command = new Command('release')
    .description('end the holds on a backup: from then on the retention policy decides about it again')
    .argument('<id>', 'the backup, or latest')
    .option('--reason <text>', 'why; it is kept with the hold');
  return withRepositoryOptions(command)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: ReleaseOptions) => release(parts, id, options));
}

const EXAMPLES = `
Who released it, when and why stays on record: "larder hold --list".

Examples:
  $ larder release full_backup_truck_20261122_020000 --reason "the audit is over"`;

async function release(parts: CliParts, id: string, options: ReleaseOptions): Promise<void> {
  const { store } = await openForReading(parts, options);
  const backup = id === 'latest' ? (await findBackup(store, id)).id : id;
  const request = { backup, reason: options.reason, by: whoAmI() };
  const ended = await releaseHolds(store, request, parts.clock.now());
  const details = { holds: ended.length, reason: options.reason ?? null };
  await noteInTrail(parts, { action: 'release', subject: backup, details });
  if (options.json === true) writeJson(parts.stdout, { backup, released: ended.map(({ name }) => name) });
  else parts.stdout.write(`${plural(ended.length, 'hold')} on ${backup} released.\n`);
}
