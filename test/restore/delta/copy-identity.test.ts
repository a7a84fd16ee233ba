import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { judgeCopy, readIdentity, type CopyIdentity } from '../../../src/restore/delta/copy-identity.ts';
import { UNFINISHED_MARKER, unfinishedMarker } from '../../../src/restore/unfinished-marker.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const SYSTEM = '7300000000000000001';
const OTHER = '7300000000000000002';
const wanted = { systemIdentifier: SYSTEM, major: 17 };

const system = fc.constantFrom(undefined, SYSTEM, OTHER);
const identity: fc.Arbitrary<CopyIdentity> = fc
  .record({
    controlSystem: system,
    marked: fc.boolean(),
    markedSystem: system,
    version: fc.constantFrom(undefined, '17\n', '16\n', ''),
  })
  .map((found) => (found.marked ? found : { ...found, markedSystem: undefined }));

test('a directory is used only where something in it says that it is of the same cluster, and nothing that it is not', () => {
  fc.assert(
    fc.property(identity, (found) => {
      const verdict = judgeCopy(found, wanted);
      const said = [found.controlSystem, found.markedSystem].filter((each) => each !== undefined);
      if (verdict === 'copy') {
        expect(said[0]).toBe(SYSTEM);
        expect(found.version === undefined ? found.marked : found.version === '17\n').toBe(true);
      } else if (verdict === 'unfinished') {
        expect(said).toEqual([]);
        expect(found.marked).toBe(true);
      } else {
        expect(verdict.hint).not.toBe('');
      }
    }),
  );
});

test.each([
  [{ controlSystem: SYSTEM, marked: false, markedSystem: undefined, version: '17\n' }, 'copy'],
  [{ controlSystem: undefined, marked: true, markedSystem: SYSTEM, version: undefined }, 'copy'],
  [{ controlSystem: undefined, marked: true, markedSystem: undefined, version: undefined }, 'unfinished'],
])('a copy that says %j is taken for %s', (found, expected) => {
  expect(judgeCopy(found, wanted)).toBe(expected);
});

test.each([
  [
    { controlSystem: OTHER, marked: false, markedSystem: undefined, version: '17\n' },
    /another cluster.*0002.*0001/,
  ],
  [{ controlSystem: OTHER, marked: true, markedSystem: SYSTEM, version: '17\n' }, /another cluster/],
  [{ controlSystem: SYSTEM, marked: false, markedSystem: undefined, version: '16\n' }, /says 16/],
  [{ controlSystem: SYSTEM, marked: false, markedSystem: undefined, version: undefined }, /is missing/],
  [
    { controlSystem: undefined, marked: false, markedSystem: undefined, version: '17\n' },
    /no data directory/,
  ],
])('a directory that says %j is refused', (found, why) => {
  expect(judgeCopy(found, wanted)).toMatchObject({ why: expect.stringMatching(why) });
});

describe('a directory', () => {
  test('is known by its control file and by its marker', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'global'));
    const control = Buffer.alloc(8192);
    control.writeBigUInt64LE(BigInt(SYSTEM));
    await writeFile(join(directory.path, 'global/pg_control'), control);
    await writeFile(join(directory.path, 'PG_VERSION'), '17\n');
    expect(await readIdentity(directory.path)).toEqual({
      controlSystem: SYSTEM,
      marked: false,
      markedSystem: undefined,
      version: '17\n',
    });
    const marker = unfinishedMarker({ id: 'full_backup_truck_20261122_020000', systemIdentifier: OTHER }, 0);
    await writeFile(join(directory.path, UNFINISHED_MARKER), marker);
    expect(await readIdentity(directory.path)).toMatchObject({ marked: true, markedSystem: OTHER });
  });

  test('is nothing by a marker that was cut short, nor by what lies behind a link', async () => {
    await using directory = await temporaryDirectory();
    await using other = await temporaryDirectory();
    await writeFile(join(directory.path, UNFINISHED_MARKER), `{"backup":"a","systemIdentifier":"7300`);
    await writeFile(join(other.path, 'pg_control'), Buffer.alloc(8192, 1));
    await symlink(other.path, join(directory.path, 'global'));
    expect(await readIdentity(directory.path)).toEqual({
      controlSystem: undefined,
      marked: true,
      markedSystem: undefined,
      version: undefined,
    });
  });
});
