import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { readManifest } from '../../../src/repository/manifest/manifest-reader.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import {
  decodeFilesRecord,
  encodeFilesRecord,
  FILES_RECORD,
} from '../../../src/restore/delta/files-record.ts';
import type { DeltaResult } from '../../../src/restore/restore-backup.ts';
import { removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
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
import { restoredTree } from '../../support/restored-tree.ts';
import { addTablespace } from '../../support/varied-cluster.ts';

const ways = [
  // checksums of whole files
  { major: 15, changesFrom: 'comparison' },
  // files of which nobody saw the whole
  { major: 18, changesFrom: 'server' },
] as const;

describe.each(ways)('restore --delta, PostgreSQL $major, keeping files unread,', (way) => {
  let scratch: Scratch;
  let server: TestServer;
  let repository: TestRepository;
  let tablespace: number;
  let [before, after]: (CommitRecord | undefined)[] = [];
  let wanted: Record<string, string>[];
  let copy: Place;

  beforeAll(async () => {
    scratch = await makeScratch();
    const settings: Record<string, string> = { fsync: 'off', autovacuum: 'off' };
    if (way.changesFrom === 'server') settings['summarize_wal'] = 'on';
    server = await startServer({ major: way.major, walSegmentSizeMb: 1, settings });
    repository = repositoryAt(join(scratch.path, 'backups'));
    tablespace = await addTablespace(server, 'fast', join(scratch.path, 'original'));
    await server.query(BEFORE);
    // else reading changes pages: hint bits
    await server.query('VACUUM FREEZE');
    before = await backUp(repository, server.connection, { ...way, type: 'full' });
    await server.query(AFTER);
    await server.query('VACUUM FULL rewritten');
    after = await backUp(repository, server.connection, { ...way, type: 'incremental' });
    expect(after.type).toBe('incremental');
    const fresh = await makePlace(tablespace);
    await restoreInto(repository, after, fresh.data, fresh.changes);
    wanted = restoredTree([fresh.data, fresh.space]);
    await removeInstanceHome(fresh.home);
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await scratch[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    copy = await makePlace(tablespace);
    await restoreInto(repository, before!, copy.data, copy.changes);
  });
  afterEach(() => removeInstanceHome(copy.home), 60_000);

  const changes = (evenAfterServer = false) => ({
    ...copy.changes,
    delta: true,
    trust: { evenAfterServer, clock: systemClock },
  });

  /** Restores over the copy: it has to be what a restore into an empty directory makes. */
  async function becomesWanted(evenAfterServer = false): Promise<DeltaResult> {
    const { delta } = await restoreInto(repository, after!, copy.data, changes(evenAfterServer));
    expect(restoredTree([copy.data, copy.space])).toEqual(wanted);
    return delta!;
  }

  /** Files of relations that both backups have, as large. */
  async function relations(): Promise<string[]> {
    const [one, two] = [
      await readManifest(repository.store, before!.id),
      await readManifest(repository.store, after!.id),
    ];
    const sizes = new Map(one.files.map(({ path, size }) => [path, size]));
    return two.files
      .filter(({ path, size }) => /base\/\d+\/\d+$/.test(path) && size > 500_000 && sizes.get(path) === size)
      .map(({ path }) => join(copy.data, path));
  }

  test('reads nothing of a fresh copy that stays, and writes what differs', async () => {
    const delta = await becomesWanted();
    expect(delta.believedBytes).toBeGreaterThan(15_000_000);
    expect(delta.comparedBytes).toBeLessThan(3_000_000);
    expect(delta.writtenBytes).toBeLessThan(30_000_000);
    // and the next one believes this one
    const again = await becomesWanted();
    expect(again.believedBytes).toBeGreaterThan(delta.believedBytes);
  }, 120_000);

  test('mends what was changed behind the back of sizes and times, exchanged, or had a second name for a while', async () => {
    const [one, two, three] = (await relations()) as [string, string, string];
    execFileSync('touch', ['-r', one, `${one}.time`]);
    overwrite(one, 300_000);
    execFileSync('touch', ['-r', `${one}.time`, one]);
    const [times, its] = [`${one}.time`, one].map((path) => statSync(path, { bigint: true }));
    expect(its!.mtimeNs).toBe(times!.mtimeNs);
    renameSync(two, `${two}.x`);
    renameSync(three, two);
    renameSync(`${two}.x`, three);
    const version = join(copy.data, 'PG_VERSION');
    linkSync(version, `${version}.x`);
    unlinkSync(`${version}.x`);
    const { believedBytes, comparedBytes } = await becomesWanted();
    expect(believedBytes).toBeGreaterThan(10_000_000);
    expect(comparedBytes).toBeGreaterThan(2_000_000);
  }, 120_000);

  test('leaves a record that backups of a server on the copy leave out', async () => {
    await usingServer(copy.home, way.major, async ({ connection }) => {
      const own = repositoryAt(join(scratch.path, 'of-the-copy'));
      const { files } = await readManifest(own.store, (await backUp(own, connection)).id);
      const paths = files.map(({ path }) => path);
      expect(paths).toContain('larder_restored');
      expect(paths).not.toContain(FILES_RECORD);
    });
  }, 120_000);

  // by what a file is known has nothing to do with the version
  if (way.major === 18) return;

  test('reads all of a copy that was made with cp -a', async () => {
    for (const path of [copy.data, copy.space]) {
      execFileSync('cp', ['-a', path, `${path}.away`]);
      rmSync(path, { recursive: true });
      renameSync(`${path}.away`, path);
    }
    expect(existsSync(join(copy.data, FILES_RECORD))).toBe(true);
    expect((await becomesWanted()).believedBytes).toBe(0);
  }, 120_000);

  test('reads all where the record is gone, damaged, of an unknown backup, or of another start of the machine', async () => {
    const path = join(copy.data, FILES_RECORD);
    const bytes = readFileSync(path);
    const record = decodeFilesRecord(bytes)!;
    expect(record.files.size).toBeGreaterThan(900);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1]! ^= 1;
    const others = [
      damaged,
      Buffer.alloc(0),
      bytes.subarray(0, 1000),
      encodeFilesRecord({ ...record, backup: 'full_backup_truck_20010101_000000' }),
      encodeFilesRecord({ ...record, manifestSha256: '0'.repeat(64) }),
      encodeFilesRecord({ ...record, bootId: 'another' }),
      encodeFilesRecord({ ...record, time: Date.now() + 60_000 }),
      undefined,
    ];
    for (const other of others) {
      rmSync(path);
      if (other !== undefined) writeFileSync(path, other);
      const { copy: found } = await planInto(repository, after!, copy.data, changes());
      expect(found!.believed).toMatchObject({ bytes: 0, why: expect.any(String) });
      writeFileSync(path, bytes);
    }
    const { copy: found } = await planInto(repository, after!, copy.data, changes());
    expect(found!.believed).toMatchObject({ backup: before!.id, why: null });
    writeFileSync(path, damaged);
    expect((await becomesWanted()).believedBytes).toBe(0);
  }, 120_000);

  test('believes nothing that was left by a restore that was broken off', async () => {
    for (const phase of ['writing', 'syncing']) {
      await breakOff(await planInto(repository, after!, copy.data, changes()), phase);
      expect(readdirSync(copy.data).filter((name) => name.startsWith(FILES_RECORD))).toEqual([]);
    }
    expect((await becomesWanted()).believedBytes).toBe(0);
  }, 120_000);

  test('reads all where a server ran, unless told that this does not matter', async () => {
    const ran = () =>
      usingServer(copy.home, way.major, async (instance) =>
        execute(
          instance,
          'UPDATE large SET filler = upper(filler) WHERE id % 7 = 0',
          'SELECT count(*) FROM large',
          'CHECKPOINT',
        ),
      );
    await ran();
    // servers leave it where it is
    expect(existsSync(join(copy.data, FILES_RECORD))).toBe(true);
    expect((await becomesWanted(true)).believedBytes).toBeGreaterThan(5_000_000);
    await ran();
    expect((await becomesWanted()).believedBytes).toBe(0);
  }, 120_000);
});

const BEFORE = `
  CREATE TABLE grown AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE dropped AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE same AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE rewritten AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g;
  CREATE TABLE large (id int, filler text) WITH (fillfactor = 50);
  INSERT INTO large SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 20000) g`;
const AFTER = `
  INSERT INTO grown SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
  DROP TABLE dropped;
  DELETE FROM rewritten WHERE id % 3 = 0;
  UPDATE large SET filler = upper(filler) WHERE id % 5000 = 0;
  CREATE TABLE made AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g`;
