import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that runs beside the test; disposing ends it. */
export interface Beside extends AsyncDisposable {
  /** All that it has written so far. */
  readonly output: () => string;
  /** Whether it has ended by itself. */
  readonly ended: () => boolean;
}

export function startBeside(program: string, args: readonly string[]): Beside {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const closed = once(child, 'close');
  return {
    output: () => output,
    ended: () => child.exitCode !== null,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
