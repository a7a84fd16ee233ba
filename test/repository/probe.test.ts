import { expect, test } from '@jest/globals';
import { probeStore } from '../../src/repository/probe.ts';
import { openFilesystemStore } from '../../src/storage/filesystem-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function names(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list('')) found.push(name);
  return found;
}

test('a store that keeps bytes passes, and nothing is left in it', async () => {
  await using directory = await temporaryDirectory();
  const store = openFilesystemStore({ kind: 'filesystem', directory: directory.path });
  await probeStore(store);
  expect(await names(store)).toEqual([]);
});

test('a store that gives back other bytes is found out, and nothing is left in it', async () => {
  await using directory = await temporaryDirectory();
  const store = openFilesystemStore({ kind: 'filesystem', directory: directory.path });
  const get = store.get.bind(store);
  store.get = async (...args) => {
    const bytes = await get(...args);
    bytes[7]! ^= 1;
    return bytes;
  };
  await expect(probeStore(store)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
  expect(await names(store)).toEqual([]);
});
