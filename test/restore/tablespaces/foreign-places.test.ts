import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathFromBytes } from '../../../src/postgres/path-bytes.ts';
import { placesOfCopy, problemOfMaking } from '../../../src/restore/tablespaces/foreign-places.ts';
import { tablespaceMap } from '../../../src/restore/target-paths.ts';
import { makeScratch, type Scratch } from '../../support/backup-runner.ts';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await makeScratch();
});
afterEach(async () => scratch[Symbol.asyncDispose]());

/** A directory in which a server has files. */
async function occupied(name: string | Buffer): Promise<string> {
  const path = Buffer.concat([Buffer.from(`${scratch.path}/`), Buffer.from(name as string)]);
  await mkdir(Buffer.concat([path, Buffer.from('/PG_18_202506291/5')]), { recursive: true });
  return pathFromBytes(path);
}

const making = (location: string, own: readonly string[] = []) =>
  problemOfMaking({ oid: 16400, location }, { keepOut: 'occupied', own });

describe('a tablespace that the log makes', () => {
  test('is kept from the directory of another server, also by another name, and of bytes that are no text', async () => {
    const directory = await occupied('fast');
    expect(await making(directory)).toMatchObject({ code: 'RESTORE_REFUSED' });
    const link = join(scratch.path, 'link');
    await symlink(directory, link);
    expect(await making(link)).toMatchObject({ code: 'RESTORE_REFUSED' });
    const latin1 = await occupied(Buffer.from('schn\xf6ll', 'latin1'));
    expect(latin1.isWellFormed()).toBe(false);
    expect(await making(latin1)).toMatchObject({ code: 'RESTORE_REFUSED' });
  });

  test('may take what is free, is not there, or is the copy’s own', async () => {
    await mkdir(join(scratch.path, 'free'));
    expect(await making(join(scratch.path, 'free'))).toBeUndefined();
    expect(await making(join(scratch.path, 'nowhere'))).toBeUndefined();
    expect(await making('')).toBeUndefined();
    const directory = await occupied('fast');
    const link = join(scratch.path, 'link');
    await symlink(directory, link);
    expect(await making(directory, [link])).toBeUndefined();
    expect(await making(link, [directory])).toBeUndefined();
    const strict = { keepOut: 'everything', own: [] } as const;
    expect(await problemOfMaking({ oid: 1, location: join(scratch.path, 'free') }, strict)).toMatchObject({
      code: 'RESTORE_REFUSED',
    });
  });
});

describe('the places of a copy', () => {
  test('are where its links lead, and where its map says that they will', async () => {
    const data = join(scratch.path, 'data');
    expect(await placesOfCopy(data)).toEqual([]);
    await mkdir(join(data, 'pg_tblspc'), { recursive: true });
    const directory = await occupied('one');
    await symlink(directory, join(data, 'pg_tblspc/16400'));
    await symlink(join(scratch.path, 'gone'), join(data, 'pg_tblspc/16401'));
    const odd = join(scratch.path, 'odd \\ \n #1');
    const target = { linked: true, location: '/was' };
    await writeFile(
      join(data, 'tablespace_map'),
      tablespaceMap([
        { ...target, oid: 16402, directory: odd },
        { ...target, oid: 16403, directory: '/srv/ü' },
      ]),
    );
    // of a recovery of the source, whose places it names
    await writeFile(join(data, 'tablespace_map.old'), '16404 /srv/original\n');
    expect(await placesOfCopy(data)).toEqual([directory, odd, '/srv/ü']);
  });
});
