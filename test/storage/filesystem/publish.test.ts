import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DirectoryTree } from '../../../src/storage/filesystem/directory-tree.ts';
import { publishBy } from '../../../src/storage/filesystem/publish.ts';

const refuseLinks = (): Promise<void> =>
  Promise.reject(Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' }));

describe('on a filesystem without hard links', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'larder-publish-'));
    await mkdir(join(root, '.tmp'));
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  const publish = async (content: string): Promise<void> => {
    const from = join(root, '.tmp', content);
    await writeFile(from, content);
    await publishBy(refuseLinks, new DirectoryTree(root), from, join(root, 'a', 'one'));
  };

  test('an object takes its name, once', async () => {
    await publish('first');
    await expect(publish('second')).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
    expect(await readFile(join(root, 'a', 'one'), 'utf8')).toBe('first');
    expect(await readdir(join(root, '.tmp'))).toEqual(['second']);
  });

  test('one of ten wins, and no loser claims to have stored', async () => {
    const runs = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => publish(`writer${n}`)));
    const winners = runs.flatMap(({ status }, n) => (status === 'fulfilled' ? [`writer${n}`] : []));
    expect(winners).toEqual([await readFile(join(root, 'a', 'one'), 'utf8')]);
    const codes = ['OBJECT_EXISTS', 'REPOSITORY_UNREACHABLE'].map((code) =>
      expect.objectContaining({ code }),
    );
    for (const run of runs) {
      if (run.status === 'rejected') expect(codes).toContainEqual(run.reason);
    }
  });

  test('a claim whose writer died stands in the way for one minute, then of one more try', async () => {
    const claim = join(
      root,
      '.tmp',
      `claim-${createHash('sha256')
        .update(join(root, 'a', 'one'))
        .digest('hex')}`,
    );
    await writeFile(claim, '');
    const refused = { code: 'REPOSITORY_UNREACHABLE', retryable: true };
    await expect(publish('first')).rejects.toMatchObject(refused);
    await expect(publish('second')).rejects.toMatchObject(refused);
    await utimes(claim, new Date(0), new Date(0));
    await expect(publish('third')).rejects.toMatchObject(refused);
    await publish('fourth');
    expect(await readFile(join(root, 'a', 'one'), 'utf8')).toBe('fourth');
  });
});
