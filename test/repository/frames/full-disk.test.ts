import { expect } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountTest } from '../../support/able-to.ts';
import { FramedObjectWriter } from '../../../src/repository/frames/framed-object.ts';
import { PackWriter } from '../../../src/repository/frames/pack-writer.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { mountedDirectory } from '../../support/temporary-directory.ts';

mountTest('objects whose first bytes find no room leave nothing unfinished', async () => {
  await using directory = await mountedDirectory('tmpfs');
  if (directory === undefined) return;
  const store = openStore({ kind: 'filesystem', directory: directory.path });
  await store.putIfAbsent('first', Buffer.of(1));
  await writeFile(join(directory.path, 'ballast'), Buffer.alloc(5 * 1024 * 1024)).catch(() => undefined);

  const packs = new PackWriter({ store, nextNumber: () => 1, nameOf: () => 'a/pack', level: 1 });
  await expect(packs.add(Buffer.from('x'))).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
  await expect(packs.add(Buffer.from('y'))).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
  await packs.abort();

  const framed = FramedObjectWriter.open(store, 'a/manifest', 'manifest', 1);
  await expect(framed).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
});
