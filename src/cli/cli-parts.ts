import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';

/** Where text goes: standard output, standard error. */
export interface Output {
  readonly write: (text: string) => void;
  /** Whether a person watches, so that lines may be redrawn and coloured. */
  readonly isTerminal: boolean;
  /** Characters in a line. */
  readonly columns: number;
}

/** What every command is given. */
export interface CliParts {
  readonly environment: NodeJS.ProcessEnv;
  /** Relative paths begin here. */
  readonly workingDirectory: string;
  /** Larder's own version. */
  readonly version: string;
  readonly clock: Clock;
  /** Aborts with INTERRUPTED at the first SIGINT or SIGTERM; a second one ends the process. */
  readonly signal: AbortSignal;
  /** Results, and nothing else. */
  readonly stdout: Output;
  /** Progress and messages. */
  readonly stderr: Output;
  /** Throws CONFIG_INVALID or NOT_BUILT_YET. */
  readonly loadConfig: () => Promise<Config>;
  /** For a command that ends well with another code than 0; an error carries its own. */
  readonly setExitCode: (code: number) => void;
}

/** Writes a result for programs: JSON, indented. */
export function writeJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Whether to colour what is written there (https://no-color.org). */
export function isColoured(output: Output, environment: NodeJS.ProcessEnv): boolean {
  return output.isTerminal && !environment['NO_COLOR'];
}
