import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { expectRepository } from '../../src/repository/expect-repository.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test.each([['absent'], ['empty']])('a repository whose place is %s is said to be gone', async (state) => {
  await using temporary = await temporaryDirectory();
  const location = { kind: 'filesystem', directory: join(temporary.path, 'backups') } as const;
  if (state === 'empty') await mkdir(location.directory);
  await expect(expectRepository(openStore(location), location, 'truck')).rejects.toMatchObject({
    code: 'REPOSITORY_MISSING',
    message: expect.stringContaining('backups of truck were stored there before'),
    hint: expect.stringContaining('--new-repository'),
  });
});

test('another trouble with it keeps its own name', async () => {
  await using temporary = await temporaryDirectory();
  const location = { kind: 'filesystem', directory: temporary.path } as const;
  await writeFile(join(temporary.path, 'repository.json'), '{');
  await expect(expectRepository(openStore(location), location, 'truck')).rejects.toMatchObject({
    code: 'REPOSITORY_DAMAGED',
  });
});
