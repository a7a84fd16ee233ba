import { Command } from 'commander';
import type { CliParts } from './cli-parts.ts';
import { runService } from './run-service.ts';

/** `larder daemon`. */
export function daemonCommand(parts: CliParts): Command {
  return new Command('daemon')
    .description(
      'run the service: backups by schedule, health and metrics over HTTP, JSON logs on standard output',
    )
    .addHelpText('after', EXAMPLES)
    .action(() => daemon(parts));
}

const EXAMPLES = `
SIGTERM stops it within ten seconds; a backup that is not finished then is taken again at the next start.

Examples:
  $ DATABASE_URL=postgresql://larder@db/truck BACKUP_DIR=/backups larder daemon
  $ LARDER_CONFIG=/etc/larder.yaml larder daemon`;

async function daemon(parts: CliParts): Promise<void> {
  // half of all modules: the help does without
  const { assembleService } = await import('../assemble.ts');
  const config = await parts.loadConfig();
  const { clock, version: larderVersion } = parts;
  await runService(parts, await assembleService({ config, clock, larderVersion }));
}
