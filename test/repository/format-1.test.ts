import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { readCommitRecord } from '../../src/repository/catalogue.ts';
import { readManifest } from '../../src/repository/manifest/manifest-reader.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { readArchiveRecord } from '../../src/repository/wal/archive-record.ts';
import { readBackupFile } from '../../src/restore/read-file.ts';
import { openStore } from '../../src/storage/open-store.ts';

const ID = 'full_backup_truck_20261122_120000';
/** Written by the code of commit 20585af, the last one of format 1. */
const location = {
  kind: 'filesystem',
  directory: join(import.meta.dirname, '../fixtures/format-1'),
} as const;

test('a repository of format 1 is read to its last byte', async () => {
  const store = openStore(location);
  await expect(openRepository(store, location)).resolves.toMatchObject({ record: { formatVersion: 1 } });
  await expect(readCommitRecord(store, ID)).resolves.toMatchObject({ formatVersion: 1, type: 'full' });
  const manifest = await readManifest(store, ID);
  expect(manifest.chain).toEqual([{ id: ID, frames: 3 }]);
  const expected = {
    PG_VERSION: Buffer.from('17\n'),
    'base/5/16384': Buffer.concat([0, 1, 2, 3].map((byte) => Buffer.alloc(8192, byte))),
    empty: Buffer.alloc(0),
    large: Buffer.alloc(1_500_000, 'larder '),
  };
  expect(manifest.files.map(({ path }) => path)).toEqual(Object.keys(expected));
  for (const [path, content] of Object.entries(expected))
    expect((await readBackupFile(store, manifest, path))?.equals(content)).toBe(true);
  await expect(readArchiveRecord(store, '7381902837465019283')).resolves.toMatchObject({ formatVersion: 1 });
});
