import { Command } from 'commander';
import { TASKS, type Task } from '../jobs/job.ts';
import { Pauses } from '../scheduler/pauses.ts';
import { noteInTrail } from './audit-note.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { parseTask } from './task-argument.ts';

interface ResumeOptions {
  readonly cluster?: string;
  readonly json?: true;
}

/** `larder resume`. */
export function resumeCommand(parts: CliParts): Command {
  return new Command('resume')
    .description('end a pause before its time')
    .argument('[tasks...]', 'which; all that are paused, where none are named')
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((tasks: readonly string[], options: ResumeOptions) => resume(parts, tasks, options));
}

const EXAMPLES = `
The service notices within half a minute, and makes up for what was due, where the catch-up windows allow it.

Examples:
  $ larder resume
  $ larder resume retention`;

async function resume(parts: CliParts, given: readonly string[], options: ResumeOptions): Promise<void> {
  const { clock, stdout } = parts;
  const tasks = given.length === 0 ? TASKS : given.map(parseTask);
  const config = await parts.loadConfig();
  const { name: cluster } = chooseCluster(config, options.cluster);
  const pauses = new Pauses(config.stateDirectory);
  const resumed: Task[] = [];
  for (const task of tasks) if (await pauses.resume({ cluster, task }, clock.now())) resumed.push(task);
  await noteInTrail(parts, { action: 'resume', subject: cluster, details: { tasks: resumed.join(' ') } });
  if (options.json === true) writeJson(stdout, { cluster, tasks: resumed });
  else if (resumed.length === 0) stdout.write(`Nothing of ${cluster} was paused.\n`);
  else stdout.write(`The schedule of ${cluster} goes on: ${resumed.join(', ')}.\n`);
}
