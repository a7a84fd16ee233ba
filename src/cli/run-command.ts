import { Command } from 'commander';
import { LarderError, isErrorCode } from '../errors.ts';
import type { RunView } from '../http/api/run-routes.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatDuration } from '../format.ts';
import { ServiceClient } from './service-client.ts';
import { parseTask, TASK_NAMES } from './task-argument.ts';

interface RunOptions {
  readonly cluster?: string;
  readonly backup?: string;
  readonly wait?: true;
  readonly json?: true;
}

/** `larder run`. */
export function runCommand(parts: CliParts): Command {
  return new Command('run')
    .description('have the running service do a task as soon as it can, with its queue, limits and retries')
    .argument('<task>', TASK_NAMES)
    .option(
      '--backup <id>',
      'the backup that a verification or a restore test is about; the newest, without it',
    )
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--wait', 'until it is over; the exit code then says how it went')
    .option('--json', 'print the run as JSON')
    .addHelpText('after', EXAMPLES)
    .action((task: string, options: RunOptions) => run(parts, task, options));
}

const EXAMPLES = `
The service must run on this machine, with the same state directory. The same that waits or runs already is not run twice.

Examples:
  $ larder run backup_full
  $ larder run verify --backup full_backup_truck_20261122_020000 --wait`;

async function run(parts: CliParts, task: string, options: RunOptions): Promise<void> {
  const { cluster, backup, wait, json } = options;
  const client = await ServiceClient.open(parts);
  const body = { task: parseTask(task), cluster, backup };
  const asked = (await client.post('/runs', body)) as { isNew: boolean; run: RunView };
  if (json !== true) parts.stderr.write(askedText(asked));
  const shown = wait === true ? await untilOver(parts, client, asked.run) : asked.run;
  if (json === true) writeJson(parts.stdout, shown);
  else parts.stdout.write(wait === true ? endText(shown) : `${shown.id}\n`);
  if (wait === true) throwFailure(shown);
}

function askedText({
  isNew,
  run: { task, cluster, waiting, coalescedInto },
}: {
  isNew: boolean;
  run: RunView;
}): string {
  if (coalescedInto !== null)
    return `The full backup of ${cluster} that runs holds all that ${task} would.\n`;
  const state = waiting ? 'waits for what runs' : 'runs';
  return isNew
    ? `${task} of ${cluster} ${state}.\n`
    : `${task} of ${cluster} was asked for before, and ${state}.\n`;
}

const LOOK_EVERY_MS = 500;

/** Of a run whose work another one does, the end of that one. */
async function untilOver(
  { clock, signal }: CliParts,
  client: ServiceClient,
  asked: RunView,
): Promise<RunView> {
  let shown = asked;
  while (shown.result === null || shown.result === 'coalesced') {
    if (shown.result === null) await clock.sleep(LOOK_EVERY_MS, signal);
    else if (shown.coalescedInto === null) return shown;
    shown = (await client.get(`/runs/${shown.coalescedInto ?? shown.id}`)) as RunView;
  }
  return shown;
}

function endText({ task, cluster, result, backupId, remark, durationSeconds }: RunView): string {
  const what = backupId === null ? '' : `: ${backupId}`;
  const more = remark === null ? '' : ` (${remark})`;
  return `${task} of ${cluster}: ${result ?? ''} after ${formatDuration(durationSeconds ?? 0)}${what}${more}\n`;
}

function throwFailure({ result, errorCode, errorMessage, hint }: RunView): void {
  // also where its work was left to another run that nobody names: then nobody knows that it was done
  if (result === 'success') return;
  const code = errorCode !== null && isErrorCode(errorCode) ? errorCode : 'INTERNAL';
  throw new LarderError(
    code,
    errorMessage ?? 'the run ended without saying why',
    hint === null ? {} : { hint },
  );
}
