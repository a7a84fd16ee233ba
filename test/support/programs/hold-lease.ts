/**
 * Takes the lease of the repository in argv[2] and says `held`; for every line on stdin, asserts it and says `still` or
 * the error's code. Ended by a signal.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/clock.ts';
import { toLarderError } from '../../../src/errors.ts';
import { acquireLease } from '../../../src/repository/lease.ts';
import { readProcessIdentity } from '../../../src/process-identity.ts';
import { openStore } from '../../../src/storage/open-store.ts';

const lease = await acquireLease(openStore({ kind: 'filesystem', directory: process.argv[2] ?? '' }), {
  holder: 'backup',
  clock: systemClock,
  processIdentity: readProcessIdentity(),
  waitMilliseconds: 0,
  signal: new AbortController().signal,
});
process.stdout.write('held\n');
for await (const line of createInterface(process.stdin)) {
  const answer = await lease.assertHeld().then(
    () => 'still',
    (error: unknown) => toLarderError(error).code,
  );
  process.stdout.write(`${line} ${answer}\n`);
}
