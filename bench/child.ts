import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { InstanceUser } from '../src/postgres/server/instance-user.ts';

/** A program to run. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** All the environment it gets beside PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The account it runs under; `undefined` for this process's own. */
  readonly user: InstanceUser | undefined;
  readonly signal: AbortSignal;
}

/** Starts it with its output in pipes: somebody must read them, or it stops when they are full. */
export function startChild({ program, args, environment, user, signal }: Command): ChildProcess {
  return spawn(program, args, {
    // its own: the caller's may be closed to the user the program runs under
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
}

/** The number, or the name of the signal that ended it. Throws when the program cannot be started. */
export async function exitCode(child: ChildProcess): Promise<unknown> {
  let aborted: unknown;
  child.once('error', (error) => (aborted = error));
  const exited = once(child, 'exit').catch(() => [undefined]);
  if (child.pid === undefined) {
    await exited;
    throw aborted;
  }
  const [code, signal] = (await exited) as unknown[];
  return code ?? signal ?? aborted;
}

/** All that it writes, once it has closed its pipes. */
export async function collectOutput(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  await new Promise((resolve) => child.once('close', resolve));
  return Buffer.concat(chunks).toString('utf8');
}

/** The error of a program that should not have ended so, with its last words. */
export function failure({ program, args }: Command, code: unknown, output: string): Error {
  const words = output.trimEnd().split('\n').slice(-20).join('\n');
  return new Error(`${program} ${args[0] ?? ''} ended with ${String(code)}:\n${words}`);
}

/** Runs a program that is not measured: its output. Throws as `measure` does. */
export async function run(command: Command): Promise<string> {
  const child = startChild(command);
  const output = collectOutput(child);
  const code = await exitCode(child);
  command.signal.throwIfAborted();
  if (code !== 0) throw failure(command, code, await output);
  return output;
}
