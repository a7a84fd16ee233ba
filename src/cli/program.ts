import { Command, CommanderError } from 'commander';
import { LarderError } from '../errors.ts';
import { backupCommand } from './backup-command.ts';
import { checkCommand } from './check-command.ts';
import type { CliParts } from './cli-parts.ts';
import { configCommand } from './config-command.ts';
import { daemonCommand } from './daemon-command.ts';
import { demoCommand } from './demo-command.ts';
import { exitCodesHelp } from './exit-codes.ts';
import { listCommand } from './list-command.ts';
import { restoreCommand } from './restore-command.ts';
import { startCommand } from './start-command.ts';
import { verifyCommand } from './verify-command.ts';
import { walCommand } from './wal-command.ts';
import { walFetchCommand } from './wal-fetch-command.ts';

/** Every command, in the order of `larder --help`. */
const COMMANDS: readonly ((parts: CliParts) => Command)[] = [
  startCommand,
  daemonCommand,
  demoCommand,
  checkCommand,
  backupCommand,
  listCommand,
  restoreCommand,
  verifyCommand,
  walCommand,
  configCommand,
  walFetchCommand,
];

/**
 * Runs the command that the arguments name. Throws USAGE for arguments that are not understood, and what the command
 * throws.
 */
export async function runProgram(parts: CliParts, argv: readonly string[]): Promise<void> {
  try {
    await createProgram(parts).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // help and version were asked for and written
    if (error.exitCode === 0) return;
    // no command at all: the help was written in place of an error
    if (error.code === 'commander.help') parts.setExitCode(2);
    else throw usageError(error);
  }
}

function createProgram(parts: CliParts): Command {
  const program = new Command('larder')
    .description('Backs up a PostgreSQL cluster and proves that it can be restored.')
    .version(parts.version, '-V, --version', 'print the version')
    .helpCommand(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => parts.stdout.write(text),
      writeErr: (text) => parts.stderr.write(text),
      // main writes every error, in its own form
      outputError: () => undefined,
      getOutHelpWidth: () => parts.stdout.columns,
      getErrHelpWidth: () => parts.stderr.columns,
    })
    .addHelpText('after', `\n${ABOUT}\n\n${exitCodesHelp()}`);
  for (const create of COMMANDS) {
    program.addCommand(inheriting(create(parts), program));
  }
  return program;
}

/** Errors and output of a command, and of those below it, go where the program's go. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inheriting(below, command);
  return command;
}

const ABOUT = `Larder reads its configuration from the environment (DATABASE_URL, BACKUP_DIR, …) and from
config/larder.yaml, or the file that LARDER_CONFIG names; "larder config" shows what that comes to.`;

/** commander's words: one line that begins with "error: ", and a second with its suggestion. */
function usageError(error: CommanderError): LarderError {
  const [message = '', ...suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion.join(' ').replace(/^\((.*)\)$/, '$1');
  return new LarderError('USAGE', message, {
    hint: hint === '' ? 'See "larder --help", or --help behind a command.' : hint,
    cause: error,
  });
}
