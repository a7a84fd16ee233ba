import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { disableCopy, takeOverFiles } from '../../../src/restore/delta/take-over.ts';
import { UNFINISHED_MARKER, unfinishedMarker } from '../../../src/restore/unfinished-marker.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const systemIdentifier = '7300000000000000001';
const markerOf = (now: number) => unfinishedMarker({ id: 'full_backup_truck', systemIdentifier }, now);

async function disable(path: string, now: number): Promise<void> {
  await disableCopy({ path, state: 'copy' }, { owner: undefined, marker: markerOf(now), systemIdentifier });
}

test('a copy loses its control file and is marked', async () => {
  await using directory = await temporaryDirectory();
  const at = (path: string): string => join(directory.path, path);
  await mkdir(at('global'));
  for (const path of ['global/pg_control', 'postmaster.opts']) await writeFile(at(path), '');
  await disable(directory.path, 0);
  for (const path of ['global/pg_control', 'postmaster.opts']) expect(existsSync(at(path))).toBe(false);
  expect(await readFile(at(UNFINISHED_MARKER), 'utf8')).toBe(markerOf(0));
});

test('a marker that says whose the copy is stays as it is: dying while it is written again would lose that', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, UNFINISHED_MARKER), markerOf(0));
  await disable(directory.path, 1000);
  expect(await readFile(join(directory.path, UNFINISHED_MARKER), 'utf8')).toBe(markerOf(0));
});

test('a control file behind a link stays where it is', async () => {
  await using directory = await temporaryDirectory();
  await using outside = await temporaryDirectory();
  await writeFile(join(outside.path, 'pg_control'), '');
  await symlink(outside.path, join(directory.path, 'global'));
  await disable(directory.path, 0);
  expect(existsSync(join(outside.path, 'pg_control'))).toBe(true);
  expect(existsSync(join(directory.path, 'global'))).toBe(false);
});

test('a file gets its length and its mode, and one that became a link is not followed', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'file');
  await writeFile(path, 'content', { mode: 0o640 });
  const stats = await stat(path);
  const { signal } = new AbortController();
  await takeOverFiles([[{ path, stats }, 9]], undefined, signal);
  expect(await readFile(path, 'utf8')).toBe('content\0\0');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const link = join(directory.path, 'link');
  await symlink(path, link);
  const taken = takeOverFiles([[{ path: link, stats }, 1]], undefined, signal);
  await expect(taken).rejects.toThrow('ELOOP');
  expect(await readFile(path, 'utf8')).toBe('content\0\0');
});
