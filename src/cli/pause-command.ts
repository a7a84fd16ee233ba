import { Command } from 'commander';
import { parseDuration } from '../config/units.ts';
import { LarderError } from '../errors.ts';
import type { Task } from '../jobs/job.ts';
import { pausableTasks } from '../scheduler/pausable-tasks.ts';
import { Pauses } from '../scheduler/pauses.ts';
import { commandActor, noteInTrail } from './audit-note.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatTime } from '../format.ts';
import { parseUntil } from './hold-command.ts';
import { parseTask, TASK_NAMES } from './task-argument.ts';

interface PauseOptions {
  readonly for?: string;
  readonly until?: string;
  readonly reason?: string;
  readonly cluster?: string;
  readonly json?: true;
}

/** `larder pause`. */
export function pauseCommand(parts: CliParts): Command {
  return new Command('pause')
    .description('start nothing by schedule until a time; what somebody asks for runs all the same')
    .argument('[tasks...]', `which; all but transaction_log, where none are named: ${TASK_NAMES}`)
    .option('--for <duration>', 'from now on, as 90m or 2h; 31 days at most')
    .option('--until <time>', 'a time as "2027-06-30" or "2027-06-30 12:00+02"')
    .option('--reason <text>', 'why; everybody who looks at the schedule can read it')
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((tasks: readonly string[], options: PauseOptions) => pause(parts, tasks, options));
}

const EXAMPLES = `
It is written into the state directory, where the service looks twice a minute, and needs no running service. A run in
progress goes on ("larder cancel" ends it), and so does the receiver of the log. What was due meanwhile is made up for
afterwards, where the catch-up windows allow it.

Examples:
  $ larder pause --for 2h --reason "moving the disks"
  $ larder pause verify retention --until "2026-12-01 06:00+01" --reason "quarterly close"`;

async function pause(parts: CliParts, given: readonly string[], options: PauseOptions): Promise<void> {
  const { clock, stdout } = parts;
  const now = clock.now();
  const tasks = given.length === 0 ? pausableTasks() : given.map(parseTask);
  const { until, reason } = wanted(options, now);
  const config = await parts.loadConfig();
  const { name: cluster } = chooseCluster(config, options.cluster);
  const pauses = new Pauses(config.stateDirectory);
  for (const task of tasks) {
    await pauses.pause({ cluster, task, since: now, until, reason, by: commandActor() });
  }
  const iso = new Date(until).toISOString();
  await noteInTrail(parts, {
    action: 'pause',
    subject: cluster,
    details: { tasks: tasks.join(' '), until: iso, reason },
  });
  if (options.json === true) writeJson(stdout, { cluster, tasks, until: iso, reason });
  else stdout.write(pausedText(cluster, tasks, iso));
}

function pausedText(cluster: string, tasks: readonly Task[], until: string): string {
  return `Until ${formatTime(until)} nothing of this is started by the schedule of ${cluster}: ${tasks.join(', ')}.\n`;
}

function wanted(options: PauseOptions, now: number): { readonly until: number; readonly reason: string } {
  const { for: duration, until, reason } = options;
  if ((duration === undefined) === (until === undefined))
    throw usage('a pause needs either --for or --until');
  if (reason === undefined || reason.trim() === '') throw usage('a pause needs a --reason');
  const end = duration === undefined ? parseUntil(until ?? '', now) : now + parseDuration(duration);
  return { until: end, reason: reason.trim() };
}

function usage(message: string): LarderError {
  return new LarderError('USAGE', message, { hint: 'larder pause --for 2h --reason "moving the disks"' });
}
