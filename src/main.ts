import { readFileSync } from 'node:fs';
import type { CliParts, Output } from './cli/cli-parts.ts';
import { runProgram } from './cli/program.ts';
import { errorJson, errorText } from './cli/report-error.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config/config.ts';
import { LarderError, systemErrorCode, toLarderError } from './errors.ts';

const DEFAULT_COLUMNS = 80;

process.exit(await main(process.argv.slice(2)));

/** Arguments → command; any error → message, hint, exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const report = (thrown: unknown): number => {
    const error = toLarderError(thrown);
    process.stderr.write(isJson(argv) ? errorJson(error) : errorText(error));
    return error.exitCode;
  };
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      report(error);
      process.exit(1);
    });
  }
  let exitCode = 0;
  let isWorking = false;
  // while modules are loaded there is nothing to stop and nothing to clean up, and on a busy machine that takes seconds
  const signal = abortOnSignals((error) => {
    if (!isWorking) process.exit(report(error));
  });
  try {
    await runProgram(
      createParts(signal, (code) => (exitCode = code)),
      argv,
      () => (isWorking = true),
    );
    return exitCode;
  } catch (error) {
    // whatever failed after the signal failed because of it
    return report(signal.aborted ? signal.reason : error);
  }
}

function createParts(signal: AbortSignal, setExitCode: (code: number) => void): CliParts {
  const environment = process.env;
  const workingDirectory = process.cwd();
  return {
    environment,
    workingDirectory,
    version: readVersion(),
    clock: systemClock,
    signal,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    loadConfig: () => loadConfigFor(environment, workingDirectory),
    setExitCode,
  };
}

/** Its modules are loaded by who needs them: a command that reads no configuration starts in half the time. */
async function loadConfigFor(environment: NodeJS.ProcessEnv, workingDirectory: string): Promise<Config> {
  const [{ loadConfig }, { readFileWithMode }] = await Promise.all([
    import('./config/load.ts'),
    import('./config/read-file.ts'),
  ]);
  return loadConfig({ environment, workingDirectory, readFile: readFileWithMode });
}

/** The first signal asks the command to stop and clean up, after `aborting` was called; the second one does not wait for it. */
function abortOnSignals(aborting: (error: LarderError) => void): AbortSignal {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(130);
      const error = new LarderError('INTERRUPTED', `stopped by ${name}`);
      aborting(error);
      abort.abort(error);
    });
  }
  return abort.signal;
}

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: (stream.isTTY as boolean | undefined) === true,
    get columns() {
      // a terminal that was never told its size says 0
      return stream.isTTY && stream.columns > 0 ? stream.columns : DEFAULT_COLUMNS;
    },
  };
}

/** `larder list | head` closes its end early; the command still ends with its own exit code. */
function ignoreClosedPipe(error: unknown): void {
  if (systemErrorCode(error) !== 'EPIPE') throw error;
}

function isJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}

/** package.json lies above both src/ and dist/. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
