import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../scripts/larder', import.meta.url));

/** How a command ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A `larder` that runs. */
export interface LarderProcess {
  child: ChildProcessWithoutNullStreams;
  ended: Promise<Ended>;
}

/** Starts `larder` with an environment that holds nothing but PATH and what is given. */
export function startLarder(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  workingDirectory = '/',
): LarderProcess {
  const child = spawn(PROGRAM, args, {
    cwd: workingDirectory,
    env: { PATH: process.env['PATH'], ...environment },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
  return { child, ended };
}

/** Runs `larder` to its end. */
export async function larder(...given: Parameters<typeof startLarder>): Promise<Ended> {
  return startLarder(...given).ended;
}
