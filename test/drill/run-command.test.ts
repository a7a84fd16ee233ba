import { expect, test } from '@jest/globals';
import { BoundedOutput } from '../../src/drill/bounded-output.ts';
import { runCommand } from '../../src/drill/run-command.ts';

const environment = { PATH: '/usr/bin:/bin', DATABASE_URL: 'postgresql://postgres@/truck?host=/s' };

async function run(argv: readonly string[], limit = 20_000, signal = new AbortController().signal) {
  const output = new BoundedOutput();
  const ended = await runCommand(argv, { environment, limit, signal, output });
  return { ...ended, text: output.text };
}

test('a program gets its arguments as they are, and no environment but its own', async () => {
  expect(await run(['/bin/echo', '$HOME; echo no', '*'])).toMatchObject({
    code: 0,
    text: '$HOME; echo no *\n',
  });
  const { text } = await run(['/usr/bin/env']);
  expect(text).toBe('PATH=/usr/bin:/bin\nDATABASE_URL=postgresql://postgres@/truck?host=/s\n');
});

test('its exit code and its errors are told', async () => {
  expect(await run(['/bin/sh', '-c', 'echo broken >&2; exit 3'])).toMatchObject({
    code: 3,
    text: 'broken\n',
  });
});

test('at its limit it is killed with all that it has started', async () => {
  const began = performance.now();
  const ended = await run(['/bin/sh', '-c', 'sleep 60 & sleep 60'], 300);
  expect(ended).toMatchObject({ timedOut: true, code: null, signal: 'SIGKILL' });
  expect(performance.now() - began).toBeLessThan(20_000);
});

test('what it leaves behind does not keep it from being over', async () => {
  expect(await run(['/bin/sh', '-c', 'echo done; sleep 60 & exit 0'])).toMatchObject({
    code: 0,
    text: 'done\n',
  });
});

test('one that cannot be run is a failure that names it', async () => {
  await expect(run(['/no/such/program'])).rejects.toMatchObject({
    code: 'VERIFICATION_FAILED',
    message: expect.stringContaining('/no/such/program cannot be run') as unknown,
  });
});

test('of long output the end is kept, and how much is missing is told', async () => {
  const { text } = await run(['/bin/sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x; echo END']);
  expect(text.length).toBeLessThan(17_000);
  expect(text).toMatch(/^\(83\d+ bytes before this were not kept\)\nx+END\n$/);
});
