import { describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimScratch, OWNER_FILE, readOwner } from '../../../src/verify/proof/scratch.ts';
import { believableSince, touchedFiles } from '../../../src/verify/proof/touched-files.ts';

describe('what was written to since a copy was proven', () => {
  test('is told by the kernel, whatever a file says of itself', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'larder-test-'));
    try {
      await writeFile(join(directory, 'written'), 'x');
      await utimes(join(directory, 'written'), 1, 1);
      const found = (since: number) => touchedFiles(directory, ['written', 'missing'], since);
      expect(await found(Date.now() - 60_000)).toEqual(new Set(['written', 'missing']));
      expect(await found(Date.now() + 60_000)).toEqual(new Set(['missing']));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test.each([
    ['the same time passed', 60_000, 60_000, 5],
    ['the clock was set forward', 60_000, 3_660_000, 5],
    ['the clock was set back', 60_000, -3_540_000, undefined],
    ['the clock was set back a little', 60_000, 59_400, undefined],
  ])('can be told from times where %s, or else everything counts', (_, passed, clockPassed, since) => {
    expect(believableSince(5, passed, clockPassed)).toBe(since);
  });
});

test('of those who claim a directory at once one gets it, and the claim is never half there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'larder-test-'));
  try {
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimScratch(directory)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await readdir(directory)).toEqual([OWNER_FILE]);
    expect(await readOwner(directory)).toMatchObject({ pid: process.pid });
    expect(await readFile(join(directory, OWNER_FILE), 'utf8')).toMatch(/^\{.*\}$/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
