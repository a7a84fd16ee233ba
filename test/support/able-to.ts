import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@jest/globals';

/** Tests of what only some accounts may do: elsewhere they are skipped, with the reason on stderr. */
export const isRoot = process.getuid?.() === 0;

/** Whether this process may mount file systems: root, and not in a container that forbids it. */
export const mayMount = isRoot && triesToMount();

function triesToMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'larder-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'larder-test', directory], { stdio: 'ignore' });
    execFileSync('umount', [directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(directory);
  }
}

function orSkip(able: boolean, reason: string): typeof test | typeof test.skip {
  if (!able) process.stderr.write(`some tests are skipped: ${reason}\n`);
  return able ? test : test.skip;
}

export const rootTest = orSkip(isRoot, 'only root may start servers, or make files, for another account');
export const mountTest = orSkip(mayMount, 'mounting is not allowed here');
