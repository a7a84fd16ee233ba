import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../scripts/larder', import.meta.url));

/** A `larder` that runs as a child process. */
export interface LarderProcess {
  /** Resolves with the exit code, or null when a signal ended it. */
  exit: Promise<number | null>;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Kills it if it still runs. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts `larder` with an environment of PATH and what is given. */
export function startLarder(
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): LarderProcess {
  const child = spawn(PROGRAM, args, {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = once(child, 'close').then(() => child.exitCode);
  return {
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (name) => void child.kill(name),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** What `look` sees once it is as wanted; fails with what it saw last after `seconds`. */
export async function eventually<T>(
  look: () => Promise<T>,
  isWanted: (seen: T) => boolean,
  seconds = 30,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (isWanted(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`still not as wanted: ${JSON.stringify(seen)}`);
    await delay(50);
  }
}
