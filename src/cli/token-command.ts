import { Command, Option } from 'commander';
import { newToken, TOKEN_SCOPES, type TokenScope } from '../http/tokens.ts';
import { LarderError } from '../errors.ts';
import { isClusterName } from '../repository/layout.ts';
import { writeJson, type CliParts } from './cli-parts.ts';

interface TokenOptions {
  readonly scope: TokenScope;
  readonly json?: true;
}

/** `larder token`. */
export function tokenCommand(parts: CliParts): Command {
  return new Command('token')
    .description('make a token for the HTTP API; only its hash goes into the configuration')
    .argument('<name>', 'whose it is: stands in the audit trail')
    .addOption(
      new Option('--scope <scope>', 'read: look; operate: start, cancel and pause jobs, too')
        .choices(TOKEN_SCOPES)
        .default('read'),
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((name: string, options: TokenOptions) => makeToken(parts, name, options));
}

const EXAMPLES = `
Examples:
  $ larder token grafana
  $ larder token deploy --scope operate
  $ curl --header "Authorization: Bearer $TOKEN" http://127.0.0.1:9847/api/v1/backups`;

function makeToken({ stdout }: CliParts, name: string, { scope, json }: TokenOptions): void {
  if (!isClusterName(name))
    throw new LarderError('USAGE', `"${name}" is no name: letters, digits, "-" and "_", 63 at most`);
  const { token, sha256 } = newToken();
  if (json === true) return writeJson(stdout, { name, scope, token, sha256 });
  stdout.write(
    [
      `The token of ${name}, shown this once:`,
      '',
      `  ${token}`,
      '',
      'Into the configuration file (config/larder.yaml):',
      '',
      'http:',
      '  tokens:',
      `    ${name}: { sha256: ${sha256}, scopes: [${scope}] }`,
      '',
    ].join('\n'),
  );
}
