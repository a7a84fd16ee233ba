import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { UNFINISHED_MARKER, unfinishedMarker } from '../../../src/restore/unfinished-marker.ts';
import {
  backUp,
  carryOut,
  failureOf,
  makeCopyHome,
  makeScratch,
  planInto,
  repositoryAt,
  restoreInto,
  type RestoreChanges,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { larder } from '../../support/larder-command.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { treeBelow } from '../../support/restored-tree.ts';
import { addTablespace } from '../../support/varied-cluster.ts';

const MAJOR = 17;

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;
let backup: CommitRecord;
let oid: number;
let original: string;

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({
    major: MAJOR,
    walSegmentSizeMb: 1,
    settings: { fsync: 'off', autovacuum: 'off' },
  });
  repository = repositoryAt(join(scratch.path, 'backups'));
  original = join(scratch.path, 'original');
  oid = await addTablespace(server, 'fast', original);
  backup = await backUp(repository, server.connection);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

let home: Awaited<ReturnType<typeof makeCopyHome>>;
let data: string;
let space: string;
let changes: RestoreChanges;
beforeEach(async () => {
  home = await makeCopyHome();
  data = home.dataDirectory;
  space = join(home.directory, 'space');
  changes = { tablespaces: new Map([[oid, space]]) };
});
afterEach(() => removeInstanceHome(home));

const makeCopy = () => restoreInto(repository, backup, data, changes);
const planDelta = (more: RestoreChanges = changes) =>
  planInto(repository, backup, data, { ...more, delta: true });

/** Fails unless it is refused, with these words, and nothing was touched. */
async function expectRefused(words: RegExp, more: RestoreChanges = changes): Promise<void> {
  const places = [data, space, original];
  const before = places.map((place) => treeBelow(place));
  const failure = await failureOf(planDelta(more));
  expect({ code: failure.code, text: `${failure.message} ${String(failure.hint)}` }).toEqual({
    code: 'RESTORE_REFUSED',
    text: expect.stringMatching(words),
  });
  expect(places.map((place) => treeBelow(place))).toEqual(before);
}

describe('restore --delta refuses', () => {
  test('the data directory of another cluster', async () => {
    await makeCopy();
    await using other = await startServer({ major: MAJOR, settings: { fsync: 'off' } });
    await other.halt();
    rmSync(data, { recursive: true });
    cpSync(other.dataDirectory, data, { recursive: true });
    await expectRefused(/belongs to another cluster: its system identifier is \d+/);
  }, 60_000);

  test('what a broken-off restore of another cluster left', async () => {
    await makeCopy();
    rmSync(join(data, 'global/pg_control'));
    writeFileSync(
      join(data, UNFINISHED_MARKER),
      unfinishedMarker({ id: backup.id, systemIdentifier: '42' }, 0),
    );
    await expectRefused(/belongs to another cluster: its system identifier is 42/);
  });

  test('a directory with a server, and one whose server may still run', async () => {
    await makeCopy();
    writeFileSync(join(data, 'postmaster.pid'), '12345\n');
    await expectRefused(/names process 12345.*remove its postmaster.pid/s);
  });

  test('a server that came since the plan, and touches nothing', async () => {
    await makeCopy();
    const plan = await planDelta();
    writeFileSync(join(data, 'postmaster.pid'), '12345\n');
    const before = treeBelow(data);
    expect(await failureOf(carryOut(plan))).toMatchObject({ code: 'RESTORE_REFUSED' });
    expect(treeBelow(data)).toEqual(before);
  });

  test('a directory that is none of a cluster', async () => {
    await makeCopy();
    rmSync(join(data, 'global'), { recursive: true });
    await expectRefused(/is not empty and is no data directory/);
  });

  test("a tablespace where the source's may be, unless it is named", async () => {
    await makeCopy();
    await expectRefused(new RegExp(`original is not empty, and is not tablespace ${oid} of `), {});
    // as in a copy made by hand
    const link = join(data, 'pg_tblspc', String(oid));
    rmSync(link);
    symlinkSync(original, link);
    await expectRefused(new RegExp(`may be the tablespace.*say so with --tablespace ${oid}=`, 's'), {});
  });

  test("a tablespace that is not the copy's, or holds something else", async () => {
    await makeCopy();
    const another = join(home.directory, 'another');
    cpSync(space, another, { recursive: true });
    await expectRefused(/another is not empty, and is not tablespace/, {
      tablespaces: new Map([[oid, another]]),
    });
    mkdirSync(join(space, 'PG_16_202307071'));
    await expectRefused(/holds PG_16_202307071/);
  });
});

describe('restore --delta takes', () => {
  test('an empty place of the tablespace beside a copy of the rest', async () => {
    await makeCopy();
    renameSync(space, `${space}-away`);
    const { delta } = await carryOut(await planDelta());
    expect(delta!.removedFiles).toBeGreaterThan(0);
    expect(treeBelow(space)).toEqual(treeBelow(`${space}-away`));
  });

  test('a restore that was broken off before there was a system identifier in its marker, and clears it', async () => {
    await makeCopy();
    rmSync(join(data, 'global/pg_control'));
    for (const place of [data, space]) writeFileSync(join(place, UNFINISHED_MARKER), '{"backup":"a"}\n');
    const plan = await planDelta();
    expect([plan.target.state, plan.copy]).toEqual(['unfinished', undefined]);
    expect((await carryOut(plan)).delta).toBeUndefined();
  });
});

test('a restore leaves out the marker that a server took over from one that died at its last step', async () => {
  writeFileSync(join(server.dataDirectory, UNFINISHED_MARKER), 'left\n', { mode: 0o644 });
  const own = repositoryAt(join(scratch.path, 'marked'));
  const marked = await backUp(own, server.connection);
  rmSync(join(server.dataDirectory, UNFINISHED_MARKER));
  await restoreInto(own, marked, data, changes);
  expect(treeBelow(data)).not.toHaveProperty(UNFINISHED_MARKER);
});

describe('the command', () => {
  const run = (...args: readonly string[]) =>
    larder(
      ['restore', '--to-dir', data, '--tablespace', `${oid}=${space}`, ...args],
      { BACKUP_DIR: repository.location.directory, DATABASE_URL: server.connection },
      scratch.path,
    );

  test('says what it compares, writes and removes', async () => {
    expect(await run('--delta')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('there is no earlier copy'),
    });
    writeFileSync(join(data, 'strange'), '');
    const dry = await run('--delta', '--dry-run');
    expect(dry.stdout).toMatch(/^compares +[\d.]+ k?B in \d+ files? of the copy$/m);
    expect(dry.stdout).toMatch(
      /^keeps unread +[\d.]+ MB in \d+ files, untouched since the restore of full_backup_\w+$/m,
    );
    const all = await run('--delta', '--dry-run', '--believe', 'nothing');
    expect(all.stdout).toMatch(/^compares +[\d.]+ MB in \d+ files of the copy$/m);
    expect(all.stdout).not.toContain('keeps unread');
    // the settings' temporary files are gone, the mark of the restore is no file of the backup
    expect(dry.stdout).toMatch(/^removes +\d+ files that do not belong$/m);
    expect(readFileSync(join(data, 'strange'), 'utf8')).toBe('');
    const { code, stdout } = await run('--delta');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Kept [\d.]+ MB unread: nothing touched it since it was restored\.$/m);
    expect(stdout).toMatch(
      /^Compared [\d.]+ k?B of the earlier copy, wrote [\d.]+ k?B, removed \d+ files\.$/m,
    );
  }, 30_000);

  test('says the same as JSON, and points out --delta where it is refused without', async () => {
    await run();
    expect((await run()).stderr).toContain('an earlier copy of the same cluster with --delta');
    const { stdout } = await run('--delta', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      plan: { directoryState: 'copy', copy: { files: expect.any(Number), bytes: expect.any(Number) } },
      result: { delta: { comparedBytes: expect.any(Number), writtenBytes: expect.any(Number) } },
    });
  }, 30_000);
});
