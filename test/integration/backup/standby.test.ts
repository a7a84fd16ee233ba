import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Copy, Scratch, TestRepository } from '../../support/backup-runner.ts';
import {
  backUp,
  failureOf,
  makeCopyHome,
  makeScratch,
  objectsOf,
  repositoryAt,
  restoreAndStart,
  restoreInto,
  startCopy,
  verify,
} from '../../support/backup-runner.ts';
import { expectSameContents } from '../../support/comparison.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { giveToServer } from '../../support/varied-cluster.ts';

describe.each([15, 18] as const)('a standby of PostgreSQL %i', (major) => {
  let scratch: Scratch;
  let primary: TestServer;
  let standby: Copy;
  let repository: TestRepository;

  beforeAll(async () => {
    scratch = await makeScratch();
    repository = repositoryAt(join(scratch.path, 'backups'));
    primary = await startServer({ major });
    await primary.query(
      `CREATE TABLE orders AS SELECT g AS id, md5(g::text) AS note FROM generate_series(1, 20000) g`,
    );
    const home = await makeCopyHome();
    await restoreInto(repository, await backUp(repository, primary.connection), home.dataDirectory);
    await appendFile(
      join(home.dataDirectory, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=${primary.socketDirectory} user=postgres'\n`,
    );
    await writeFile(join(home.dataDirectory, 'standby.signal'), '');
    await giveToServer(join(home.dataDirectory, 'standby.signal'));
    standby = await startCopy(home, major);
    await primary.query(`INSERT INTO orders VALUES (0, 'after the restore')`);
    const [row] = await primary.query(`CHECKPOINT; SELECT pg_current_wal_flush_lsn()::text AS lsn`);
    await until(async () => {
      const [reached] = await standby.query(
        `SELECT pg_last_wal_replay_lsn() >= '${String(row!['lsn'])}' AS yes`,
      );
      return reached?.['yes'] === true;
    });
  }, 120_000);
  afterAll(async () => {
    await standby[Symbol.asyncDispose]();
    await primary.stop();
    await scratch[Symbol.asyncDispose]();
  });

  test('made from a backup is itself backed up, and that restores as a server of its own', async () => {
    const backup = await backUp(repository, standby.connection);
    expect(backup.state).toBe('complete');
    expect((await verify(repository, backup)).findings).toEqual([]);
    await using copy = await restoreAndStart(repository, backup);
    await expectSameContents(primary.connection, copy.connection);
    expect(
      await copy.query(
        `SELECT pg_is_in_recovery() AS recovery, current_setting('primary_conninfo') AS conninfo`,
      ),
    ).toEqual([{ recovery: false, conninfo: '' }]);
  }, 60_000);

  test('promoted in the middle of a backup ends it with nothing committed, and the next one succeeds', async () => {
    const before = await objectsOf(repository);
    const socket = join(standby.home.socketDirectory, '.s.PGSQL.5432');
    await using proxy = await startProxy({ target: socket, fault: 'hold', afterBytes: 4_000_000 });
    const url = `postgresql://postgres@127.0.0.1:${proxy.port}/postgres?sslmode=disable`;
    const failed = failureOf(backUp(repository, url));
    await proxy.struck;
    await standby.query('SELECT pg_promote()');
    proxy.release();
    const error = await failed;
    expect(error).toMatchObject({ code: 'SERVER_PROMOTED', retryable: true });
    expect(error.message).toBe(
      'the standby was promoted while it was backed up: what it sent is not consistent',
    );
    expect(error.hint).toContain('next run');
    expect(await objectsOf(repository)).toEqual(before);

    const backup = await backUp(repository, url);
    expect(backup.timeline).toBe(2);
    await using copy = await restoreAndStart(repository, backup);
    await expectSameContents(standby.connection, copy.connection);
  }, 60_000);
});
