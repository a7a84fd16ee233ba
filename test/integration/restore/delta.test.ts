import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type ClusterFingerprint,
  differences,
  fingerprintCluster,
} from '../../../src/demo/compare-clusters.ts';
import { removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { blockHashesName } from '../../../src/repository/layout.ts';
import type { RestorePlan } from '../../../src/restore/plan.ts';
import type { RestoreResult } from '../../../src/restore/restore-backup.ts';
import {
  backUp,
  makeScratch,
  planInto,
  repositoryAt,
  restoreInto,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import {
  breakOff,
  execute,
  makePlace,
  overwrite,
  usingServer,
  type Place,
} from '../../support/earlier-copies.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { restoredTree, treeBelow } from '../../support/restored-tree.ts';
import { addTablespace, fillVaried } from '../../support/varied-cluster.ts';

const ways = [
  { major: 15, changesFrom: 'comparison' },
  // no hashes behind the full backup, and files of which nobody saw the whole
  { major: 18, changesFrom: 'server' },
] as const;

/** A backup, and what the cluster held when it was taken. */
interface Moment {
  readonly backup: CommitRecord;
  readonly contents: ClusterFingerprint;
}

describe.each(ways)('restore --delta, PostgreSQL $major, changes from the $changesFrom,', (way) => {
  let scratch: Scratch;
  let server: TestServer;
  let repository: TestRepository;
  let tablespace: number;
  let [before, after]: (Moment | undefined)[] = [];

  beforeAll(async () => {
    scratch = await makeScratch();
    const settings: Record<string, string> = { fsync: 'off', autovacuum: 'off' };
    if (way.changesFrom === 'server') settings['summarize_wal'] = 'on';
    server = await startServer({ major: way.major, walSegmentSizeMb: 1, settings });
    repository = repositoryAt(join(scratch.path, 'backups'));
    await fillVaried(server);
    tablespace = await addTablespace(server, 'fast', join(scratch.path, 'original'));
    await server.query(BEFORE);
    before = await momentOf('full');
    await server.query(AFTER);
    for (const table of ['rewritten', 'in_fast']) await server.query(`VACUUM FULL ${table}`);
    await server.query('DROP DATABASE "Second ☃ db"');
    after = await momentOf('incremental');
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await scratch[Symbol.asyncDispose]();
  });

  async function momentOf(type: 'full' | 'incremental'): Promise<Moment> {
    const contents = await fingerprintCluster(server.connection, { unlogged: false });
    const { changesFrom } = way;
    const backup = await backUp(repository, server.connection, { type, changesFrom });
    expect(backup.type).toBe(type);
    return { backup, contents };
  }

  let copy: Place;
  let fresh: Place;
  beforeEach(async () => {
    [copy, fresh] = [await makePlace(tablespace), await makePlace(tablespace)];
  });
  afterEach(async () => {
    for (const { home } of [copy, fresh]) await removeInstanceHome(home);
  });

  /** Restores over what is there; the result is compared with a restore into an empty directory, and started. */
  async function expectBecomes({ backup, contents }: Moment): Promise<RestoreResult> {
    const result = await restoreInto(repository, backup, copy.data, { ...copy.changes, delta: true });
    await restoreInto(repository, backup, fresh.data, fresh.changes);
    expect(restoredTree([copy.data, copy.space])).toEqual(restoredTree([fresh.data, fresh.space]));
    await usingServer(copy.home, way.major, async ({ connection }) => {
      const found = await fingerprintCluster(connection, { unlogged: false });
      expect(differences(contents, found)).toEqual([]);
    });
    return result;
  }

  async function planDelta(backup: CommitRecord): Promise<RestorePlan> {
    return planInto(repository, backup, copy.data, { ...copy.changes, delta: true });
  }

  test('brings an older copy to a later backup, and writes only what differs', async () => {
    await restoreInto(repository, before!.backup, copy.data, copy.changes);
    const { bytes, delta } = await expectBecomes(after!);
    expect(delta!.comparedBytes).toBeGreaterThan(bytes / 2);
    expect(delta!.writtenBytes).toBeLessThan(bytes / 2);
    expect(delta!.removedFiles).toBeGreaterThan(200);
  }, 60_000);

  test('brings a later copy back to an older backup', async () => {
    await restoreInto(repository, after!.backup, copy.data, copy.changes);
    const { bytes, delta } = await expectBecomes(before!);
    expect(delta!.writtenBytes).toBeLessThan(bytes);
  }, 60_000);

  test('writes next to nothing over the same backup', async () => {
    await restoreInto(repository, after!.backup, copy.data, copy.changes);
    const { delta } = await expectBecomes(after!);
    // settings, marks and the like
    const least = way.changesFrom === 'comparison' ? 100_000 : 20_000_000;
    expect(delta!.writtenBytes).toBeLessThan(least);
  }, 60_000);

  test('undoes what a server did that ran on the copy', async () => {
    await restoreInto(repository, before!.backup, copy.data, copy.changes);
    await usingServer(copy.home, way.major, async (instance) => {
      await execute(
        instance,
        'INSERT INTO grown SELECT g, md5(g::text) FROM generate_series(1, 9000) g',
        'CREATE TABLE of_the_copy AS SELECT * FROM rewritten',
        'DROP TABLE dropped',
        'CREATE TABLE there TABLESPACE fast AS SELECT * FROM rewritten',
        'CHECKPOINT',
      );
    });
    expect(existsSync(join(copy.data, 'postmaster.opts'))).toBe(true);
    await expectBecomes(after!);
  }, 60_000);

  test('mends files that are damaged, shorter, longer, open to others or gone', async () => {
    await restoreInto(repository, after!.backup, copy.data, copy.changes);
    damage(copy.data);
    damage(copy.space);
    await expectBecomes(after!);
  }, 60_000);

  test('removes what does not belong, and follows no link', async () => {
    await restoreInto(repository, before!.backup, copy.data, copy.changes);
    const outside = join(scratch.path, 'outside');
    const untouched = layTraps(copy.data, outside);
    const { delta } = await expectBecomes(after!);
    expect(delta!.removedFiles).toBeGreaterThan(10);
    expect(treeBelow(outside)).toEqual(untouched);
    rmSync(outside, { recursive: true });
  }, 60_000);

  test('goes on where a restore was broken off', async () => {
    await restoreInto(repository, before!.backup, copy.data, copy.changes);
    for (const phase of ['preparing', 'comparing', 'writing', 'syncing']) {
      // without hashes there is nothing to compare before the content comes
      if (phase === 'comparing' && way.changesFrom === 'server') continue;
      await breakOff(await planDelta(after!.backup), phase);
      // nothing was done yet when it prepares itself
      expect(existsSync(join(copy.data, 'global/pg_control'))).toBe(phase === 'preparing');
    }
    await expectBecomes(after!);
  }, 60_000);

  test('leaves what a restore without it clears', async () => {
    await restoreInto(repository, before!.backup, copy.data, copy.changes);
    await usingServer(copy.home, way.major, async (instance) => execute(instance, 'CHECKPOINT'));
    await breakOff(await planDelta(after!.backup), 'writing');
    await restoreInto(repository, after!.backup, copy.data, copy.changes);
    await restoreInto(repository, after!.backup, fresh.data, fresh.changes);
    expect(restoredTree([copy.data, copy.space])).toEqual(restoredTree([fresh.data, fresh.space]));
  }, 60_000);

  test('is a restore like any other where there is no copy', async () => {
    const { delta } = await expectBecomes(after!);
    expect(delta).toBeUndefined();
  }, 60_000);

  test('does without the hashes when they are lost', async () => {
    await restoreInto(repository, before!.backup, copy.data, copy.changes);
    const hashes = join(repository.location.directory, blockHashesName(before!.backup.id));
    if (!existsSync(hashes)) return;
    renameSync(hashes, `${hashes}.away`);
    try {
      const { bytes, delta } = await expectBecomes(after!);
      expect(delta!.writtenBytes).toBeLessThan(bytes);
    } finally {
      renameSync(`${hashes}.away`, hashes);
    }
  }, 60_000);
});

const BEFORE = `
  CREATE TABLE grown (id int, filler text);
  CREATE TABLE dropped AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE shorter AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE rewritten AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE large AS SELECT g AS id, repeat(md5(g::text), 10) AS filler FROM generate_series(1, 60000) g`;
const AFTER = `
  INSERT INTO grown SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
  DROP TABLE dropped;
  TRUNCATE shorter;
  DELETE FROM rewritten WHERE id % 3 = 0;
  DELETE FROM in_fast WHERE g % 3 = 0;
  UPDATE large SET filler = upper(filler) WHERE id % 5000 = 0;
  CREATE TABLE made AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g`;

function damage(directory: string): void {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^\d+$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size > 0)
    .sort();
  files.forEach((path, i) => {
    const { size } = statSync(path);
    if (i % 6 === 0) overwrite(path, Math.floor(size / 2));
    else if (i % 6 === 1) truncateSync(path, Math.floor(size / 3));
    else if (i % 6 === 2) appendFileSync(path, Buffer.alloc(12_345, 7));
    else if (i % 6 === 3) chmodSync(path, 0o666);
    else if (i % 6 === 4) rmSync(path);
  });
}

/** Puts everything strange into a copy; gives what lies outside of it, and must stay as it is. */
function layTraps(data: string, outside: string): Record<string, string> {
  mkdirSync(join(outside, 'directory'), { recursive: true });
  for (const path of ['file', 'linked', 'directory/PG_VERSION', 'directory/1259'])
    writeFileSync(join(outside, path), 'not to be touched');
  const one = readdirSync(join(data, 'base'))[0]!;
  // in the place of a file, of directories, and of nothing
  for (const path of ['PG_VERSION', `base/${one}/1259`]) {
    rmSync(join(data, path));
    symlinkSync(join(outside, 'file'), join(data, path));
  }
  for (const path of ['pg_wal', 'pg_xact']) {
    renameSync(join(data, path), join(outside, path));
    symlinkSync(join(outside, path), join(data, path));
  }
  symlinkSync(join(outside, 'directory'), join(data, 'strange'));
  symlinkSync('/nowhere', join(data, 'pg_tblspc/99999'));
  // under a second name
  rmSync(join(data, `base/${one}/1249`));
  linkSync(join(outside, 'linked'), join(data, `base/${one}/1249`));
  // a directory in the place of a file, and a file in the place of a directory
  rmSync(join(data, 'pg_hba.conf'));
  mkdirSync(join(data, 'pg_hba.conf/with/more'), { recursive: true });
  writeFileSync(join(data, 'pg_hba.conf/with/more/in it'), '');
  rmSync(join(data, 'pg_multixact'), { recursive: true });
  writeFileSync(join(data, 'pg_multixact'), '');
  execFileSync('mkfifo', [join(data, 'pipe'), join(data, 'base/1/pipe')]);
  writeFileSync(Buffer.concat([Buffer.from(`${data}/base/`), Buffer.from([0x6e, 0xff, 0x80])]), '');
  for (const name of ['recovery.signal', 'standby.signal', 'postmaster.opts', 'pg_control.larder'])
    writeFileSync(join(data, name), '');
  const untouched = treeBelow(outside);
  // PG_VERSION tells what the directory is
  rmSync(join(data, 'PG_VERSION'));
  writeFileSync(join(data, 'PG_VERSION'), readFileSync(join(data, `base/${one}/PG_VERSION`)));
  return untouched;
}
