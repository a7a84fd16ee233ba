import { Command, CommanderError } from 'commander';
import { LarderError } from '../errors.ts';
import type { CliParts } from './cli-parts.ts';
import { exitCodesHelp } from './exit-codes.ts';

type CreateCommand = (parts: CliParts) => Command;

/** Every command, in the order of `larder --help`. Each brings modules of its own: only the one that runs is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<CreateCommand>>> = {
  start: async () => (await import('./start-command.ts')).startCommand,
  daemon: async () => (await import('./daemon-command.ts')).daemonCommand,
  demo: async () => (await import('./demo-command.ts')).demoCommand,
  check: async () => (await import('./check-command.ts')).checkCommand,
  backup: async () => (await import('./backup-command.ts')).backupCommand,
  list: async () => (await import('./list-command.ts')).listCommand,
  restore: async () => (await import('./restore-command.ts')).restoreCommand,
  drill: async () => (await import('./drill-command.ts')).drillCommand,
  verify: async () => (await import('./verify-command.ts')).verifyCommand,
  prune: async () => (await import('./prune-command.ts')).pruneCommand,
  hold: async () => (await import('./hold-command.ts')).holdCommand,
  release: async () => (await import('./release-command.ts')).releaseCommand,
  schedule: async () => (await import('./schedule-command.ts')).scheduleCommand,
  pause: async () => (await import('./pause-command.ts')).pauseCommand,
  resume: async () => (await import('./resume-command.ts')).resumeCommand,
  run: async () => (await import('./run-command.ts')).runCommand,
  cancel: async () => (await import('./cancel-command.ts')).cancelCommand,
  runs: async () => (await import('./runs-command.ts')).runsCommand,
  report: async () => (await import('./report-command.ts')).reportCommand,
  wal: async () => (await import('./wal-command.ts')).walCommand,
  audit: async () => (await import('./audit-command.ts')).auditCommand,
  token: async () => (await import('./token-command.ts')).tokenCommand,
  config: async () => (await import('./config-command.ts')).configCommand,
  'wal-fetch': async () => (await import('./wal-fetch-command.ts')).walFetchCommand,
};

/**
 * Runs the command that the arguments name; `begins` is called when everything is loaded and its work starts. Throws USAGE for arguments that are not understood, and what the command
 * throws.
 */
export async function runProgram(
  parts: CliParts,
  argv: readonly string[],
  begins: () => void = () => undefined,
): Promise<void> {
  try {
    const commands = await loadCommands(argv[0]);
    begins();
    await createProgram(parts, commands).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // help and version were asked for and written
    if (error.exitCode === 0) return;
    // no command at all: the help was written in place of an error
    if (error.code === 'commander.help') parts.setExitCode(2);
    else throw usageError(error);
  }
}

/** The named command; none for the version, all for help, and for a name that is none, since the error suggests one. */
async function loadCommands(name: string | undefined): Promise<CreateCommand[]> {
  if (name === '-V' || name === '--version') return [];
  const known = Object.entries(COMMANDS);
  const named = known.filter(([command]) => command === name);
  return Promise.all((named.length > 0 ? named : known).map(async ([, load]) => load()));
}

function createProgram(parts: CliParts, commands: readonly CreateCommand[]): Command {
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
  for (const create of commands) {
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
