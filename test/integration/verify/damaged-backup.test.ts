import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBackup, readCatalogue } from '../../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import {
  commitRecordName,
  manifestName,
  packName,
  serverManifestName,
} from '../../../src/repository/layout.ts';
import { removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import {
  backUp,
  failureOf,
  makeCopyHome,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  restoreInto,
  startCopy,
  verify,
} from '../../support/backup-runner.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';

/** Of the object's header and of a frame's, bytes. */
const HEADER = 16;

let scratch: Scratch;
let server: TestServer;
let whole: TestRepository;
/** A copy of `whole`, which one test damages. */
let repository: TestRepository;
let earlier: CommitRecord;
let backup: CommitRecord;

beforeAll(async () => {
  scratch = await makeScratch();
  whole = repositoryAt(join(scratch.path, 'whole'));
  server = await startServer({ major: 17, walSegmentSizeMb: 1 });
  await server.query('CREATE TABLE kept AS SELECT g, md5(g::text) FROM generate_series(1, 5000) g');
  earlier = await backUp(whole, server.connection);
  await server.query('UPDATE kept SET g = g + 1');
  backup = await backUp(whole, server.connection);
  expect(backup.objects.filter(({ name }) => name.endsWith('.pack'))).toHaveLength(2);
  await freshCopy();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});
afterEach(freshCopy);

let copies = 0;
/** Under a new name each time: a store keeps files open, since objects never change. */
async function freshCopy(): Promise<void> {
  await rm(join(scratch.path, `copy-${copies}`), { recursive: true, force: true });
  copies += 1;
  const directory = join(scratch.path, `copy-${copies}`);
  await cp(whole.location.directory, directory, { recursive: true });
  repository = repositoryAt(directory);
}

const pathOf = (object: string) => join(repository.location.directory, object);
const pack = (number: number) => packName(backup.id, number);

async function flip(object: string, offset: number): Promise<void> {
  const bytes = await readFile(pathOf(object));
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x41, offset);
  await writeFile(pathOf(object), bytes);
}

/** Restores and fails; what is left holds no control file. */
async function expectRefused(codes: readonly string[], named?: string): Promise<void> {
  const target = join(scratch.path, 'refused');
  const error = await failureOf(restoreInto(repository, backup, target));
  expect(codes).toContain(error.code);
  if (named !== undefined) expect(error.message).toContain(named);
  expect(existsSync(join(target, 'global/pg_control'))).toBe(false);
  await rm(target, { recursive: true, force: true });
}

const objects: [string, () => string][] = [
  ['a pack', () => pack(1)],
  ['the manifest', () => manifestName(backup.id)],
  ['the server’s manifest', () => serverManifestName(backup.id)],
];

/** One offset for each field of the object's header, of the first frame's header, and of its content. */
const places: [string, number][] = [
  ['magic', 0],
  ['version', 6],
  ['kind', 7],
  ['cipher', 8],
  ['header’s padding', 9],
  ['header’s length', 12],
  ['stored length', HEADER],
  ['content length', HEADER + 4],
  ['checksum', HEADER + 8],
  ['codec', HEADER + 12],
  ['frame header’s padding', HEADER + 13],
  ['first byte of the content', HEADER + HEADER],
  ['content', HEADER + HEADER + 1000],
];

describe.each(objects)('a flipped byte in %s', (what, object) => {
  test.each(places)('(%s) is found by verification, which names the object', async (_, offset) => {
    await flip(object(), offset);
    const { findings } = await verify(repository, backup);
    expect(findings).toContainEqual(expect.objectContaining({ code: 'OBJECT_DAMAGED', object: object() }));
  });

  test('is found by a restore that needs it, wherever it lies', async () => {
    // what the server's manifest says is not asked for, nor a pack's own header: its content proves itself
    if (what === 'the server’s manifest') return;
    const needed = places.filter(([place]) => !place.endsWith('padding'));
    for (const [, offset] of needed.filter((place) => what === 'the manifest' || place[1] >= HEADER)) {
      await flip(object(), offset);
      const codes = ['version', 'cipher'].some((name) => places.find((p) => p[0] === name)![1] === offset)
        ? ['REPOSITORY_NEWER_FORMAT', 'OBJECT_DAMAGED']
        : ['OBJECT_DAMAGED'];
      await expectRefused(codes, object());
      await freshCopy();
    }
  }, 60_000);
});

describe('the last byte', () => {
  test.each(objects)('of %s is looked at', async (_, object) => {
    const { length } = await readFile(pathOf(object()));
    await flip(object(), length - 1);
    const { findings } = await verify(repository, backup);
    expect(findings).toContainEqual(expect.objectContaining({ code: 'OBJECT_DAMAGED', object: object() }));
  });
});

describe.each(objects)('%s', (what, object) => {
  test.each([
    ['that is missing', 'OBJECT_MISSING', () => rm(pathOf(object()))],
    ['that is empty', 'OBJECT_DAMAGED', () => truncate(pathOf(object()), 0)],
    ['cut off in its header', 'OBJECT_DAMAGED', () => truncate(pathOf(object()), 10)],
    ['cut off behind its header', 'OBJECT_DAMAGED', () => truncate(pathOf(object()), HEADER)],
    ['cut off in the middle', 'OBJECT_DAMAGED', () => truncate(pathOf(object()), 5_000)],
    ['of another backup', 'OBJECT_DAMAGED', () => fromEarlier(object())],
  ])(
    '%s is named by verification, and refused by a restore that needs it',
    async (_, code, damage) => {
      await damage();
      const { findings } = await verify(repository, backup);
      expect(findings).toContainEqual(expect.objectContaining({ code, object: object() }));
      if (what === 'the server’s manifest') return;
      await expectRefused([code]);
    },
    30_000,
  );
});

/** Puts the object of the same name of the earlier backup in its place. */
async function fromEarlier(object: string): Promise<void> {
  await copyFile(pathOf(object.replace(backup.id, earlier.id)), pathOf(object));
}

test('two packs in each other’s place are both named, and a restore is refused', async () => {
  await rename(pathOf(pack(1)), pathOf('aside'));
  await rename(pathOf(pack(2)), pathOf(pack(1)));
  await rename(pathOf('aside'), pathOf(pack(2)));
  const { findings } = await verify(repository, backup);
  for (const number of [1, 2]) {
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'OBJECT_DAMAGED', object: pack(number) }),
    );
  }
  await expectRefused(['OBJECT_DAMAGED']);
}, 30_000);

describe('a commit record', () => {
  test.each([
    ['with a flipped byte', () => flip(commitRecordName(backup.id), 200)],
    ['cut short', () => truncate(pathOf(commitRecordName(backup.id)), 300)],
    ['that is empty', () => truncate(pathOf(commitRecordName(backup.id)), 0)],
    [
      'of another backup',
      () => copyFile(pathOf(commitRecordName(earlier.id)), pathOf(commitRecordName(backup.id))),
    ],
  ])(
    '%s is listed as unreadable, never restored, never swept',
    async (_, damage) => {
      await damage();
      const { backups, unreadable } = await readCatalogue(repository.store);
      expect(backups.map(({ id }) => id)).toEqual([earlier.id]);
      expect(unreadable).toMatchObject([{ id: backup.id, problem: { code: 'OBJECT_DAMAGED' } }]);
      expect((await failureOf(findBackup(repository.store, backup.id))).message).toContain(backup.id);
      const latest = await failureOf(findBackup(repository.store, 'latest'));
      expect(latest.message).toContain(`a backup newer than ${earlier.id} cannot be read`);
      const objectsBefore = await readdir(pathOf(backup.id));
      const next = await backUp(repository, server.connection);
      expect(await readdir(pathOf(backup.id))).toEqual(objectsBefore);
      expect((await findBackup(repository.store, 'latest')).id).toBe(next.id);
    },
    30_000,
  );

  test('that is missing means that there is no such backup; the next run clears away what is left', async () => {
    await rm(pathOf(commitRecordName(backup.id)));
    expect(await failureOf(findBackup(repository.store, backup.id))).toMatchObject({
      code: 'BACKUP_UNKNOWN',
    });
    expect((await findBackup(repository.store, 'latest')).id).toBe(earlier.id);
    await backUp(repository, server.connection);
    expect(existsSync(pathOf(backup.id))).toBe(false);
  }, 30_000);
});

test('a restore that met damage leaves a directory that no server starts on, and that may be restored into again', async () => {
  const home = await makeCopyHome();
  await mkdir(home.dataDirectory);
  const { length } = await readFile(pathOf(pack(2)));
  await flip(pack(2), length - 20);
  const error = await failureOf(restoreInto(repository, backup, home.dataDirectory));
  expect(error.code).toBe('OBJECT_DAMAGED');
  expect((await readdir(home.dataDirectory)).length).toBeGreaterThan(5);
  await expect(startCopy(home, 17)).rejects.toMatchObject({ code: 'INSTANCE_FAILED' });
  await restoreInto(whole, backup, home.dataDirectory);
  {
    await using copy = await startCopy(home, 17);
    expect(await copy.query('SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 5000 }]);
  }
  await removeInstanceHome(home);
}, 60_000);

test('a restore needs no server’s manifest', async () => {
  await rm(pathOf(serverManifestName(backup.id)));
  await using copy = await restoreAndStart(repository, backup);
  expect(await copy.query('SELECT min(g) AS least FROM kept')).toEqual([{ least: 2 }]);
}, 30_000);

test('damage of one backup does no harm to another', async () => {
  await flip(pack(1), 5000);
  expect((await verify(repository, earlier)).findings).toEqual([]);
  await using copy = await restoreAndStart(repository, earlier);
  expect(await copy.query('SELECT min(g) AS least FROM kept')).toEqual([{ least: 1 }]);
}, 30_000);
