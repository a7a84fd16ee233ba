import { Command } from 'commander';
import type { RunView } from '../http/api/run-routes.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { ServiceClient } from './service-client.ts';

interface CancelOptions {
  readonly json?: true;
}

/** `larder cancel`. */
export function cancelCommand(parts: CliParts): Command {
  return new Command('cancel')
    .description('have the running service end a run, also one that waits')
    .argument('<run>', 'its id, as "larder run" and "larder runs --json" print it')
    .option('--json', 'print the run as JSON')
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: CancelOptions) => cancel(parts, id, options));
}

const EXAMPLES = `
Nothing of a run that is canceled counts, unless its last step was done; earlier backups are untouched.

Examples:
  $ larder cancel "$(larder run backup_full)"`;

async function cancel(parts: CliParts, id: string, { json }: CancelOptions): Promise<void> {
  const client = await ServiceClient.open(parts);
  const run = (await client.post(`/runs/${encodeURIComponent(id)}/cancel`, {})) as RunView;
  if (json === true) writeJson(parts.stdout, run);
  else
    parts.stdout.write(`${run.task} of ${run.cluster} is ${run.result === null ? 'being ' : ''}canceled.\n`);
}
