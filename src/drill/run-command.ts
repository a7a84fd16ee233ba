import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { LarderError } from '../errors.ts';
import type { BoundedOutput } from './bounded-output.ts';

/** Milliseconds for what was printed before the end. */
const LAST_WORDS = 1000;

export interface CommandOptions {
  /** All of it: nothing else is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Takes what it prints, errors among it. */
  readonly output: BoundedOutput;
}

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
}

/**
 * Runs a program without a shell, in a process group of its own that is killed at the limit, at an abort, and at its end,
 * since what it leaves behind would hold on to a server that goes away.
 * @throws LarderError VERIFICATION_FAILED when it cannot be run
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandEnd> {
  const { child, exited, closed } = await start(argv, options);
  const kill = (): void => killGroup(child);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.limit);
  options.signal.addEventListener('abort', kill);
  if (options.signal.aborted) kill();
  try {
    await exited;
    kill();
    // a process that left the group may hold the pipes open for ever
    await Promise.race([closed, delay(LAST_WORDS)]);
    return { code: child.exitCode, signal: child.signalCode, timedOut };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', kill);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

async function start(
  [program = '', ...args]: readonly string[],
  { environment, output }: CommandOptions,
): Promise<{ child: ChildProcess; exited: Promise<unknown>; closed: Promise<unknown> }> {
  try {
    const child = spawn(program, args, {
      cwd: '/',
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => output.add(chunk));
    const [exited, closed] = [once(child, 'exit'), once(child, 'close')];
    // one that never ran says so by itself
    for (const event of [exited, closed]) event.catch(() => undefined);
    await once(child, 'spawn');
    return { child, exited, closed };
  } catch (error) {
    throw new LarderError('VERIFICATION_FAILED', `${program} cannot be run: ${String(error)}`, {
      cause: error,
    });
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing of it is left
  }
}
