import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { toLarderError } from '../../../src/errors.ts';

/**
 * What a child process of the kill tests does: it says `ready`, waits for anything on stdin, says the phases of its
 * operation and `done`, a line each. An error goes to stderr with its code. It ends by itself: what keeps it alive is a
 * fault.
 */
export async function runOperation(operate: (phase: (name: string) => void) => Promise<void>): Promise<void> {
  say('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
  try {
    let last = '';
    await operate((name) => {
      if (name !== last) say((last = name));
    });
    say('done');
  } catch (thrown) {
    const error = toLarderError(thrown);
    process.stderr.write(`${error.message} [${error.code}]\n`);
    process.exitCode = error.exitCode;
  }
}

/** At once: what was said before a SIGKILL is known. */
function say(word: string): void {
  writeSync(1, `${word}\n`);
}
