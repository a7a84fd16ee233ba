import { describe, expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findConfinement } from '../../../src/postgres/server/confinement.ts';
import { mountTest } from '../../support/able-to.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const run = promisify(execFile);

/**
 * Runs a command in namespaces where `cut`, which reads the list of mounts, names one more that is not there: at its first call
 * alone, as when it went meanwhile, or at each.
 */
async function runWithLostMount(lists: 'once' | 'always'): Promise<string> {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  const { level, command } = await findConfinement(undefined, [path]);
  if (level !== 'namespaces') return 'ran\n';
  const [seen, cut] = [join(path, 'seen'), join(path, 'cut')];
  const lost = lists === 'always' ? 'true' : `[ ! -e ${seen} ]`;
  const text = `#!/bin/sh\n${lost} && echo /no/such/mount\n: > ${seen}\nexec /usr/bin/cut "$@"\n`;
  await writeFile(cut, text, { mode: 0o755 });
  const [program = '', ...args] = command;
  const environment = { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` };
  const { stdout } = await run(program, [...args, 'echo', 'ran'], { env: environment });
  return stdout;
}

describe('a server that is kept to itself', () => {
  mountTest('starts though a mount has gone since the list of them was read', async () => {
    expect(await runWithLostMount('once')).toBe('ran\n');
  });

  mountTest('does not start where a mount that is there cannot be made read-only', async () => {
    const { level } = await findConfinement(undefined, []);
    if (level !== 'namespaces') return;
    await expect(runWithLostMount('always')).rejects.toThrow('/no/such/mount');
  });
});
