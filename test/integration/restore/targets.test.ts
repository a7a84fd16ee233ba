import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountTest, rootTest } from '../../support/able-to.ts';
import { LarderError } from '../../../src/errors.ts';
import { findBackup } from '../../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
import { chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import {
  backUp,
  carryOut,
  failureOf,
  makeCopyHome,
  makeScratch,
  planInto,
  repositoryAt,
  restoreInto,
  startCopy,
} from '../../support/backup-runner.ts';
import { expectSameContents } from '../../support/comparison.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { mountSmall, mountWithoutDirect } from '../../support/small-filesystem.ts';
import { addTablespace } from '../../support/varied-cluster.ts';

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;
let backup: CommitRecord;
let tablespace: number;
let copies = 0;

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({ major: 18 });
  tablespace = await addTablespace(server, 'apart', join(scratch.path, 'original'));
  backup = await backUp(repository, server.connection);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

/** A place for the tablespace where nothing is yet. */
function elsewhere(): Map<number, string> {
  copies += 1;
  return new Map([[tablespace, join(scratch.path, `tablespace-${copies}`)]]);
}

const at = (...names: string[]) => join(scratch.path, ...names);

describe('a restore is refused, and touches nothing,', () => {
  const refusals: [string, () => Promise<string>, RegExp, RegExp][] = [
    [
      'into a directory that holds something',
      async () => {
        await mkdir(at('occupied'));
        await writeFile(at('occupied', 'precious'), 'mine');
        return at('occupied');
      },
      /occupied is not empty \(it holds precious\)/,
      /writes over nothing/,
    ],
    [
      'into one that holds only a hidden file',
      async () => {
        await mkdir(at('hidden'));
        await writeFile(at('hidden', '.keep'), '');
        return at('hidden');
      },
      /is not empty \(it holds \.keep\)/,
      /--to-dir/,
    ],
    [
      'into the directory of the running server',
      () => Promise.resolve(server.dataDirectory),
      /is the data directory of a PostgreSQL server \(postmaster.pid names process \d+\)/,
      /empty directory beside it/,
    ],
    [
      'into a directory with a postmaster.pid, even if a broken-off restore is marked there',
      async () => {
        await mkdir(at('pid'));
        await writeFile(at('pid', 'postmaster.pid'), '4711\n');
        await writeFile(at('pid', 'larder_restore_unfinished'), '{}');
        return at('pid');
      },
      /names process 4711/,
      /stop the server/,
    ],
    [
      'into a copy that was started although its restore was never finished',
      async () => {
        await mkdir(at('lived'));
        await writeFile(at('lived', 'postmaster.opts'), '');
        await writeFile(at('lived', 'larder_restore_unfinished'), '{}');
        return at('lived');
      },
      /is not empty/,
      /empty or new directory/,
    ],
    [
      'into a file',
      async () => {
        await writeFile(at('plain-file'), 'mine');
        return at('plain-file');
      },
      /plain-file is not a directory/,
      /empty directory/,
    ],
    [
      'below a file',
      async () => {
        await writeFile(at('other-file'), 'mine');
        return at('other-file', 'data');
      },
      /other-file.* is not a directory/,
      /no part of its path may be a file/,
    ],
    [
      'into the repository',
      () => Promise.resolve(join(repository.location.directory, 'restored')),
      /lie inside each other/,
      /lie apart/,
    ],
    [
      'into the repository by another name',
      async () => {
        await symlink(repository.location.directory, at('alias'));
        return at('alias', 'restored');
      },
      /lie inside each other/,
      /lie apart/,
    ],
    [
      'around the tablespace’s new place',
      () => Promise.resolve(at(`tablespace-${copies + 1}`, '..', `tablespace-${copies + 1}`, 'inner')),
      /lie inside each other/,
      /lie apart/,
    ],
  ];
  test.each(refusals)('%s', async (_, prepare, message, hint) => {
    const directory = await prepare();
    const before =
      existsSync(directory) && (await stat(directory)).isDirectory() ? await readdir(directory) : [];
    const error = await failureOf(planInto(repository, backup, directory, { tablespaces: elsewhere() }));
    expect(error).toMatchObject({ code: 'RESTORE_REFUSED', retryable: false });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    if (before.length > 0) expect(await readdir(directory)).toEqual(before);
    else expect(existsSync(join(directory, 'base'))).toBe(false);
  });

  test('when a tablespace would go where something is: its own old place, or any other', async () => {
    const old = await failureOf(planInto(repository, backup, at('new-1')));
    expect(old).toMatchObject({ code: 'RESTORE_REFUSED' });
    expect(old.message).toContain(`${at('original')} is not empty`);
    expect(old.hint).toContain(`--tablespace ${tablespace}=DIR`);
    const place = new Map([[tablespace, repository.location.directory]]);
    const other = await failureOf(planInto(repository, backup, at('new-2'), { tablespaces: place }));
    expect(other).toMatchObject({ code: 'RESTORE_REFUSED' });
    expect(existsSync(at('new-1'))).toBe(false);
  });

  test('of a tablespace that the backup does not have, by the ones it has', async () => {
    const place = new Map([[99, at('nowhere')]]);
    const error = await failureOf(planInto(repository, backup, at('new-3'), { tablespaces: place }));
    expect(error).toMatchObject({ code: 'USAGE', message: 'the backup has no tablespace 99' });
    expect(error.hint).toContain(`${tablespace} (${at('original')})`);
  });

  test('of a backup that there is not', async () => {
    for (const id of ['full_backup_truck_20200101_000000', 'nonsense', '../backups', '']) {
      const error = await failureOf(findBackup(repository.store, id));
      expect(error).toMatchObject({ code: 'BACKUP_UNKNOWN', retryable: false });
      expect(error.hint).toContain('larder list');
    }
  });

  mountTest('without the space for it, by how much it takes and how much there is', async () => {
    await using mount = await mountSmall(at('narrow'), 8);
    if (mount === undefined) return; // only root may mount
    const error = await failureOf(
      planInto(repository, backup, at('narrow', 'data'), { tablespaces: elsewhere() }),
    );
    expect(error).toMatchObject({ code: 'RESTORE_REFUSED' });
    const { bavail, bsize } = await statfs(at('narrow'));
    expect(error.message).toMatch(
      new RegExp(`writes \\d{8} bytes .* ${at('narrow')} has ${bavail * bsize} free`),
    );
    expect(await readdir(at('narrow'))).toEqual([]);
  });
});

describe('a restore', () => {
  mountTest(
    'that runs out of space leaves nothing that starts, and is done anew once there is room',
    async () => {
      await using mount = await mountSmall(at('shared'), 160);
      if (mount === undefined) return;
      const plan = await planInto(repository, backup, at('shared', 'data'), { tablespaces: elsewhere() });
      const { bavail, bsize } = await statfs(at('shared'));
      await writeFile(at('shared', 'ballast'), Buffer.alloc(bavail * bsize - 10 * 1024 ** 2));
      const error = await failureOf(carryOut(plan));
      expect(error).toMatchObject({ code: 'RESTORE_FAILED', retryable: true });
      expect(error.message).toContain('ENOSPC');
      expect(error.hint).toContain('may be restored into again');
      expect(existsSync(at('shared', 'data/global/pg_control'))).toBe(false);
      await rm(at('shared', 'ballast'));
      await restoreInto(repository, backup, at('shared', 'data'), { tablespaces: plan.request.tablespaces });
      expect(existsSync(at('shared', 'data/global/pg_control'))).toBe(true);
    },
    30_000,
  );

  mountTest(
    'onto a file system that refuses O_DIRECT goes through the page cache, and says so',
    async () => {
      await using mount = await mountWithoutDirect(at('memory'));
      if (mount === undefined) return;
      const target = at('memory', 'data');
      const { buffered } = await restoreInto(repository, backup, target, { tablespaces: elsewhere() });
      expect(buffered).toBe(true);
      const version = await readFile(join(target, 'PG_VERSION'), 'utf8');
      expect(version).toBe('18\n');
    },
    30_000,
  );

  test('that was broken off is begun anew in the same places, and the copy starts', async () => {
    const home = await makeCopyHome();
    const tablespaces = elsewhere();
    const plan = await planInto(repository, backup, home.dataDirectory, { tablespaces });
    const abort = new AbortController();
    const reason = new LarderError('INTERRUPTED', 'enough');
    const onProgress = ({ doneBytes }: { doneBytes: number }) => {
      if (doneBytes > plan.bytes / 2) abort.abort(reason);
    };
    await expect(carryOut(plan, { signal: abort.signal, onProgress })).rejects.toBe(reason);
    expect((await readdir(home.dataDirectory)).length).toBeGreaterThan(10);
    expect(existsSync(join(home.dataDirectory, 'global/pg_control'))).toBe(false);
    await expect(startCopy(home, 18)).rejects.toMatchObject({ code: 'INSTANCE_FAILED' });
    const again = await planInto(repository, backup, home.dataDirectory, { tablespaces });
    expect(again.target.state).toBe('unfinished');
    await carryOut(again);
    {
      await using copy = await startCopy(home, 18);
      await expectSameContents(server.connection, copy.connection);
    }
    await removeInstanceHome(home);
  }, 60_000);

  rootTest(
    'as root gives every file, directory and new parent to the owner it was told',
    async () => {
      const owner = await chooseInstanceUser();
      if (owner === undefined) return; // only root may give files away
      const tablespaces = new Map([[tablespace, at('owned', 'deep', 'tablespace')]]);
      await restoreInto(repository, backup, at('owned', 'data'), { tablespaces, owner });
      const names = await readdir(at('owned'), { recursive: true });
      expect(names.length).toBeGreaterThan(1000);
      for (const name of ['', ...names]) {
        const { uid, gid, mode } = await stat(at('owned', name));
        expect([name, uid, gid, (mode & 0o077).toString(8)]).toEqual([name, owner.uid, owner.gid, '0']);
      }
    },
    30_000,
  );
});
