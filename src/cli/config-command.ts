import { Command } from 'commander';
import { printConfig } from '../config/print.ts';
import { writeJson, type CliParts } from './cli-parts.ts';

interface ConfigOptions {
  readonly json?: true;
}

/** `larder config`. */
export function configCommand(parts: CliParts): Command {
  return new Command('config')
    .description('show the effective configuration and where each value comes from, secrets masked')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: ConfigOptions) => showConfig(parts, options));
}

const EXAMPLES = `
Examples:
  $ larder config
  $ LARDER_CONFIG=/etc/larder.yaml larder config --json`;

async function showConfig({ loadConfig, stdout }: CliParts, { json }: ConfigOptions): Promise<void> {
  const config = await loadConfig();
  if (json !== true) stdout.write(printConfig(config));
  else
    writeJson(stdout, {
      settings: config.settings.map((setting) => ({ ...setting, path: setting.path.join('.') })),
    });
}
