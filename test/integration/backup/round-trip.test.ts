import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, fingerprintCluster } from '../../../src/demo/compare-clusters.ts';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import { backUp, makeScratch, repositoryAt, restoreAndStart, verify } from '../../support/backup-runner.ts';
import { expectSameContents } from '../../support/comparison.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { addOddFiles, addTablespace, fillVaried, ODD_NAMES, oddPath } from '../../support/varied-cluster.ts';

/** One server for each major version, all of them different. */
const clusters = [
  { major: 15, walSegmentSizeMb: 1, checksums: false, inPlace: false },
  { major: 16, walSegmentSizeMb: 64, checksums: true, inPlace: false },
  { major: 17, walSegmentSizeMb: 16, checksums: true, inPlace: true },
  { major: 18, walSegmentSizeMb: 1, checksums: false, inPlace: true },
] as const;

describe.each(clusters)('a full backup of PostgreSQL $major ($walSegmentSizeMb MB segments)', (cluster) => {
  const { inPlace } = cluster;
  let scratch: Scratch;
  let server: TestServer;
  let repository: TestRepository;
  let backup: CommitRecord;
  /** OIDs. */
  let plain: number;
  let odd: number;

  beforeAll(async () => {
    scratch = await makeScratch();
    repository = repositoryAt(join(scratch.path, 'backups'));
    const settings = { archive_mode: 'on', archive_command: 'true', primary_conninfo: 'host=nowhere' };
    server = await startServer({ ...cluster, settings });
    await fillVaried(server);
    await addOddFiles(server);
    plain = await addTablespace(server, 'plain', join(scratch.path, 'original/plain'));
    odd = await addTablespace(server, 'odd', join(scratch.path, `original/odd #[1]% "\\ ☃`));
    if (inPlace) await addTablespace(server, 'inside');
    backup = await backUp(repository, server.urlFor({ user: 'mover' }));
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await scratch[Symbol.asyncDispose]();
  });

  const remapped = (directory: string) =>
    new Map([
      [plain, join(scratch.path, directory, 'plain')],
      [odd, join(scratch.path, directory, 'odd \\ #"')],
    ]);

  test('by a role that may only LOGIN and REPLICATE is complete, and its stored bytes verify', async () => {
    expect(backup).toMatchObject({
      state: 'complete',
      type: 'full',
      walSegmentSize: cluster.walSegmentSizeMb * 1024 ** 2,
      source: 'replication',
    });
    expect(backup.warnings).toEqual([]);
    expect(backup.tablespaces).toHaveLength(inPlace ? 3 : 2);
    expect(backup.databases?.map(({ name }) => name)).toEqual(['Second ☃ db', 'postgres']);
    const report = await verify(repository, backup);
    expect(report.findings).toEqual([]);
    expect(report.checkedFiles).toBeGreaterThan(backup.files * 0.9);
  }, 60_000);

  test('restores, with its tablespaces elsewhere, into a copy of equal contents that keeps to itself', async () => {
    await using copy = await restoreAndStart(repository, backup, { tablespaces: remapped('moved') });
    await expectSameContents(server.connection, copy.connection);
    const settings = `SELECT current_setting('archive_mode') AS archive, current_setting('primary_conninfo') AS primary,
      pg_is_in_recovery() AS recovery, (SELECT count(*)::int FROM scratchpad) AS unlogged`;
    expect(await copy.query(settings)).toEqual([
      { archive: 'off', primary: '', recovery: false, unlogged: 0 },
    ]);
    expect(
      await copy.query(
        'SELECT pg_tablespace_location(oid) AS place FROM pg_tablespace WHERE oid > 16000 ORDER BY oid LIMIT 2',
      ),
    ).toEqual([...remapped('moved').values()].map((place) => ({ place })));
    // indexes work and are written to, in every tablespace
    await copy.query(`INSERT INTO in_odd VALUES (0, 'new'); INSERT INTO in_plain VALUES (0, 'new')`);
    expect(await copy.query(`SET enable_seqscan = off; SELECT g FROM in_odd WHERE h = 'new'`)).toEqual([
      { g: 0 },
    ]);
    for (const name of ODD_NAMES) {
      expect(await readFile(oddPath(copy.home.dataDirectory, name))).toEqual(
        await readFile(oddPath(server.dataDirectory, name)),
      );
    }
    expect((await stat(join(copy.home.dataDirectory, 'empty file'))).size).toBe(0);
    expect(readdirSync(join(copy.home.dataDirectory, 'empty dir'))).toEqual([]);
    expect((await stat(join(copy.home.dataDirectory, 'extra dir/nested/file'))).size).toBe(3_000_000);
    expect(existsSync(join(copy.home.dataDirectory, 'larder_restore_unfinished'))).toBe(false);
  }, 90_000);

  test('taken while others write restores to one consistent moment', async () => {
    await server.query(`CREATE TABLE IF NOT EXISTS account AS SELECT g AS id, 100 AS balance FROM generate_series(1, 500) g;
      CREATE TABLE IF NOT EXISTS ledger (id bigserial PRIMARY KEY, amount int)`);
    const writer = await openInstanceSession(server.connection);
    let stop = false;
    let written = 0;
    const writing = (async () => {
      while (!stop) {
        await writer.query(`WITH a AS (UPDATE account SET balance = balance - 1 WHERE id = 1 + floor(random() * 250)),
          b AS (UPDATE account SET balance = balance + 1 WHERE id = 251) INSERT INTO ledger (amount) VALUES (1)`);
        written += 1;
        if (written % 50 === 0) await writer.query('CHECKPOINT');
      }
    })();
    const busy = await backUp(repository, server.connection).finally(() => (stop = true));
    await writing;
    await writer.close();
    expect((await verify(repository, busy)).findings).toEqual([]);
    await using copy = await restoreAndStart(repository, busy, { tablespaces: remapped('busy') });
    const [row] = await copy.query(`SELECT (SELECT max(id) - count(*) FROM ledger)::int AS holes,
      (SELECT count(*) FROM ledger)::int AS entries, (SELECT max(balance) - 100 FROM account)::int AS moved`);
    expect(row!['holes']).toBe(0);
    expect(row!['moved']).toBe(row!['entries']);
    expect(row!['entries']).toBeLessThanOrEqual(written);
    await server.query('DROP TABLE account, ledger');
  }, 90_000);

  test('restores its tablespaces to where they were when nothing is there any more', async () => {
    const before = await fingerprintCluster(server.connection, { unlogged: false });
    await server.halt();
    await rename(join(scratch.path, 'original'), join(scratch.path, 'gone'));
    {
      await using copy = await restoreAndStart(repository, backup);
      const after = await fingerprintCluster(copy.connection, { unlogged: false });
      expect(differences(before, after)).toEqual([]);
      expect(existsSync(join(scratch.path, 'original/plain'))).toBe(true);
    }
  }, 90_000);
});
