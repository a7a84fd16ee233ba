import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LarderError } from '../../src/errors.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { manifestName } from '../../src/repository/layout.ts';
import { writeManifest } from '../../src/repository/manifest/manifest-writer.ts';
import type { DirectoryEntry, FileEntry } from '../../src/repository/manifest/records.ts';
import { planRestore } from '../../src/restore/plan.ts';
import type { FilesystemLocation } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'larder-attack-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const file = (path: string): FileEntry => ({
  kind: 'file',
  path,
  size: 0,
  mode: 0o600,
  modified: 0,
  checksum: 0,
  extents: [],
});
const directory = (path: string): DirectoryEntry => ({ kind: 'directory', path, mode: 0o700 });

/** Plans a restore of a backup whose manifest holds exactly these entries. */
async function plan(entries: readonly (FileEntry | DirectoryEntry)[]): Promise<unknown> {
  const location: FilesystemLocation = { kind: 'filesystem', directory: join(scratch, 'backups') };
  const store = openStore(location);
  const backup = {
    id: 'full_backup_truck_20261122_020000',
    tablespaces: [] as CommitRecord['tablespaces'],
  } as CommitRecord;
  await writeManifest(store, manifestName(backup.id), { frames: [], entries });
  return planRestore({
    store,
    location,
    backup,
    directory: join(scratch, 'outer/data'),
    tablespaces: new Map<number, string>(),
    owner: undefined,
    sourceSettings: 'cleared',
    recovery: undefined,
    delta: false,
    workers: 1,
  });
}

describe('a manifest', () => {
  test('of an ordinary tree is planned', async () => {
    const entries = [directory('base'), directory('base/1'), file('base/1/1259'), file('unlisted/file')];
    await expect(plan(entries)).resolves.toMatchObject({ files: [{}, {}] });
  });

  test.each([
    ['climbs', [file('../escaped')], 'leads elsewhere: "../escaped"'],
    ['climbs from inside', [file('base/../../escaped')], 'leads elsewhere'],
    ['climbs by a directory', [directory('base/..'), directory('..')], 'leads elsewhere'],
    ['is absolute', [file(join(tmpdir(), 'escaped'))], 'leads elsewhere'],
    ['has an empty part', [file('base//1')], 'leads elsewhere'],
    ['has no name', [file('')], 'leads elsewhere'],
    ['holds a zero byte', [file('base/1\0/etc')], 'leads elsewhere'],
    ['names a file twice', [file('base/1'), file('PG_VERSION'), file('base/1')], 'names "base/1" twice'],
    [
      'puts a file into a file',
      [file('base'), file('base/1/2')],
      'names "base" as a file and as a directory',
    ],
    ['makes a file a directory', [directory('base'), file('base')], 'as a file and as a directory'],
    ['puts a directory into a file', [file('base'), directory('base/1')], 'as a file and as a directory'],
  ])('that %s is refused before anything is written', async (_, entries, message) => {
    const error = await plan(entries).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LarderError);
    expect(error).toMatchObject({ code: 'OBJECT_DAMAGED', message: expect.stringContaining(message) });
    expect(await readdir(scratch)).toEqual(['backups']);
    expect(existsSync(join(tmpdir(), 'escaped'))).toBe(false);
  });
});
