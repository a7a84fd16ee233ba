import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashRanges } from '../../../src/restore/delta/hash-ranges.ts';
import { parseMountPoints } from '../../../src/restore/delta/mount-points.ts';
import { fateOf, surveyCopy, type Wanted } from '../../../src/restore/delta/survey.ts';
import { surveyTargets } from '../../../src/restore/delta/survey-plan.ts';
import type { FileEntry } from '../../../src/repository/manifest/records.ts';
import { HASH_LENGTH, UNIT, unitsOf } from '../../../src/repository/block-hashes.ts';
import { failureOf } from '../../support/backup-runner.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('what is used is a plain thing of the right kind that nobody else has; what is mounted is never removed', () => {
  const found = fc.record({
    kind: fc.constantFrom('file' as const, 'directory' as const, 'other' as const),
    links: fc.integer({ min: 1, max: 3 }),
    mounted: fc.boolean(),
  });
  fc.assert(
    fc.property(found, fc.constantFrom('file' as const, 'directory' as const, undefined), (thing, wanted) => {
      const fate = fateOf(thing, wanted);
      if (fate === 'keep')
        expect({ ...thing, wanted }).toEqual({ kind: 'file', links: 1, mounted: false, wanted: 'file' });
      if (fate === 'enter') expect([thing.kind, wanted]).toEqual(['directory', 'directory']);
      if (fate === 'remove') expect(thing.mounted).toBe(false);
      if (thing.kind === 'other') expect(fate).toBe(thing.mounted ? 'refuse' : 'remove');
    }),
  );
});

function wantedIn(directory: string, changes: Partial<Wanted> = {}): Wanted {
  return {
    files: new Map([
      ['kept', 0],
      ['base/kept', 1],
      ['linked', 2],
    ]),
    directories: new Set(['base', 'pg_tblspc', 'pg_tblspc/16']),
    roots: [{ entry: '', directory }],
    links: new Set(['pg_tblspc/16']),
    apart: new Set(['global/pg_control']),
    mountPoints: new Set(),
    ...changes,
  };
}

test('a survey lists what stays and what goes, inner things first, and looks through no link', async () => {
  await using directory = await temporaryDirectory();
  await using outside = await temporaryDirectory();
  const at = (path: string): string => join(directory.path, path);
  await writeFile(join(outside.path, 'file'), '');
  for (const path of ['base', 'base/gone', 'base/gone/deeper', 'pg_tblspc', 'lost+found'])
    await mkdir(at(path));
  for (const path of ['kept', 'base/kept', 'base/gone/file', 'larder_restore_unfinished'])
    await writeFile(at(path), 'x');
  await link(join(outside.path, 'file'), at('linked'));
  await symlink(outside.path, at('pg_tblspc/16'));
  await symlink(outside.path, at('strange'));
  const { kept, removals } = await surveyCopy(wantedIn(directory.path));
  expect([...kept.keys()].sort()).toEqual([0, 1]);
  const gone = removals.map(({ path, kind }) => `${kind} ${String(path).slice(directory.path.length)}`);
  expect([...gone].sort()).toEqual([
    'directory /base/gone',
    'directory /base/gone/deeper',
    'file /base/gone/file',
    'file /linked',
    'file /pg_tblspc/16',
    'file /strange',
  ]);
  expect(gone.indexOf('directory /base/gone')).toBeGreaterThan(gone.indexOf('file /base/gone/file'));
});

test('a directory in the place of a link goes with all that is in it: the tablespace is looked at where it is now', async () => {
  await using directory = await temporaryDirectory();
  const inside = join(directory.path, 'pg_tblspc/16');
  await mkdir(inside, { recursive: true });
  await writeFile(join(inside, 'kept'), '');
  const files = new Map([['pg_tblspc/16/kept', 0]]);
  const { kept, removals } = await surveyCopy(wantedIn(directory.path, { files }));
  expect(kept.size).toBe(0);
  expect(removals.map(({ path }) => path)).toEqual([join(inside, 'kept'), inside]);
});

test('an earlier version is of no use where the backup leaves out bytes of the new one', async () => {
  await using directory = await temporaryDirectory();
  const file = (path: string, length: number): FileEntry => ({
    kind: 'file',
    path,
    size: 2 * UNIT,
    mode: 0o600,
    modified: 0,
    checksum: undefined,
    extents: [{ fileOffset: 0, length, frame: 0, frameOffset: 0 }],
  });
  const files = [file('whole', 2 * UNIT), file('zeros behind', UNIT)];
  for (const { path } of files) await writeFile(join(directory.path, path), Buffer.alloc(2 * UNIT, 1));
  const survey = await surveyTargets({
    manifest: { chain: [], frames: [], files, directories: [], bytes: 4 * UNIT },
    files,
    target: { path: directory.path, state: 'copy' },
    tablespaces: [],
  });
  expect([...(survey?.kept.keys() ?? [])]).toEqual([0]);
  expect(survey?.removals).toEqual([{ path: join(directory.path, 'zeros behind'), kind: 'file' }]);
});

test('a survey refuses what is mounted where nothing belongs, at any depth', async () => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'strange/mount'), { recursive: true });
  const mountPoints = new Set([join(directory.path, 'strange/mount')]);
  expect(await failureOf(surveyCopy(wantedIn(directory.path, { mountPoints })))).toMatchObject({
    code: 'RESTORE_REFUSED',
    message: expect.stringContaining('strange/mount is a mount point'),
  });
  await mkdir(join(directory.path, 'base'));
  const volume = new Set([join(directory.path, 'base')]);
  await expect(surveyCopy(wantedIn(directory.path, { mountPoints: volume }))).resolves.toBeDefined();
});

test('mount points are read with the characters that the kernel hides', () => {
  const text = '22 1 254:0 / / rw - ext4 /dev/vda rw\n30 22 0:5 / /a\\040b\\134c rw shared:2 - tmpfs t rw\n';
  expect([...parseMountPoints(text)]).toEqual(['/', '/a b\\c']);
});

test('every list of hashes is found in one of the ranges that are read', () => {
  const part = fc.record({
    object: fc.constantFrom('a', 'b'),
    offset: fc.nat(300_000),
    length: fc.integer({ min: 1, max: 100 * UNIT }),
  });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const places = hashRanges(parts).flatMap(({ object, offset, length, places: inner }) =>
        inner.map(({ start, end }) => {
          expect(end).toBeLessThanOrEqual(length);
          return { object, offset: offset + start, bytes: end - start };
        }),
      );
      expect(places).toEqual(
        parts.map(({ object, offset, length }) => ({ object, offset, bytes: unitsOf(length) * HASH_LENGTH })),
      );
    }),
  );
});
