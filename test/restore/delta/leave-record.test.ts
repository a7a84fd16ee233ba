import { expect, test } from '@jest/globals';
import { link, mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { manifestName } from '../../../src/repository/layout.ts';
import type { Manifest } from '../../../src/repository/manifest/manifest-reader.ts';
import { FILES_RECORD, type FilesRecord } from '../../../src/restore/delta/files-record.ts';
import { leaveRecord, observeFiles } from '../../../src/restore/delta/leave-record.ts';
import { mountedDirectory, temporaryDirectory } from '../../support/temporary-directory.ts';

const id = 'full_backup_truck_20261122_120000';
const objects = [{ name: manifestName(id), size: 1, sha256: 'a'.repeat(64) }];
const backup = { id, objects } as unknown as CommitRecord;

/** Every path a file of ten bytes in the manifest; those that are undefined were not restored. */
async function observed(
  directory: string,
  paths: readonly (string | undefined)[],
  believed = new Map(),
): Promise<FilesRecord> {
  const files = paths.map((path) => ({ path, size: 10, extents: [] }));
  const manifest = { chain: [], frames: [], files, directories: [], bytes: 0 } as unknown as Manifest;
  const restored = {
    backup,
    manifest,
    directories: [directory],
    believed,
    pathOf: (index: number) => paths[index],
  };
  return (await observeFiles(restored, systemClock, new AbortController().signal))!;
}

test('a record speaks of files that are plain, whole, nobody else’s, and on the disk of their directory', async () => {
  await using directory = await temporaryDirectory();
  await using mounted = await mountedDirectory('tmpfs');
  const at = (name: string): string => join(directory.path, name);
  for (const name of ['plain', 'cut', 'shared']) await writeFile(at(name), '0123456789');
  await truncate(at('cut'), 9);
  await link(at('shared'), at('shared too'));
  await symlink(at('plain'), at('linked'));
  const elsewhere = mounted === undefined ? at('linked') : join(mounted.path, 'elsewhere');
  if (mounted !== undefined) await writeFile(elsewhere, '0123456789');
  const began = Date.now();
  const paths = [at('plain'), at('cut'), at('shared'), at('linked'), elsewhere, undefined];
  const { files, ...rest } = await observed(directory.path, paths);
  expect([...files.keys()]).toEqual([0]);
  expect(files.get(0)!.proven).toBeGreaterThanOrEqual(began);
  expect(rest).toMatchObject({ backup: id, manifestSha256: 'a'.repeat(64) });
  expect((await readdir(directory.path)).filter((name) => name.startsWith('pgsql_tmp'))).toEqual([]);
});

test('what was believed stays as old as it was', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'plain');
  await writeFile(path, '0123456789');
  const { files } = await observed(directory.path, [path], new Map([[0, { proven: 42 }]]));
  expect(files.get(0)).toMatchObject({ proven: 42 });
});

test('what changes right after a file was looked at shows in its stamp', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'plain');
  for (let i = 0; i < 20; i++) {
    await writeFile(path, '0123456789');
    const one = await observed(directory.path, [path]);
    await writeFile(path, '9876543210');
    const other = await observed(directory.path, [path]);
    expect(other.files.get(0)!.stamp).not.toBe(one.files.get(0)!.stamp);
  }
});

test('a record that cannot be written is no failure, and leaves nothing', async () => {
  await using directory = await temporaryDirectory();
  // in its place, so that it cannot be exchanged
  await mkdir(join(directory.path, FILES_RECORD, 'full'), { recursive: true });
  const files = new Map([[0, { stamp: '1 2 3 4 5', proven: 0 }]]);
  await leaveRecord(
    directory.path,
    { backup: id, manifestSha256: '', bootId: '', time: 0, files },
    undefined,
  );
  expect(await readdir(directory.path)).toEqual([FILES_RECORD]);
});
