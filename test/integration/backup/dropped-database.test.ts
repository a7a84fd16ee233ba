import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { readManifest } from '../../../src/repository/manifest/manifest-reader.ts';
import {
  backUp,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  verify,
  type Scratch,
} from '../../support/backup-runner.ts';
import { startServer } from '../../support/postgres-server.ts';
import { startProxy } from '../../support/tcp-proxy.ts';

/** Dropping waits until the server sends again; most of them, of 7 MB each, have not been sent by then. */
const DATABASES = Array.from({ length: 6 }, (_, i) => `passing_${i}`);

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

test.each([15, 18] as const)(
  'a database whose catalogs were rewritten and that was dropped before it was sent hinders no recovery: PostgreSQL %i',
  async (major) => {
    const repository = repositoryAt(join(scratch.path, `backups-${major}`));
    await using server = await startServer({ major, settings: { autovacuum: 'off' } });
    for (const name of DATABASES) await server.query(`CREATE DATABASE ${name}`);
    await server.query('CREATE TABLE orders AS SELECT 7 AS id');
    // the new files come before the backup's start, and the map that names them behind it
    const sessions = await Promise.all(DATABASES.map((name) => openInstanceSession(server.connection, name)));
    for (const session of sessions) await session.query('BEGIN; REINDEX INDEX pg_class_oid_index');
    const target = join(server.socketDirectory, `.s.PGSQL.${server.port}`);
    await using proxy = await startProxy({ target, fault: 'hold', afterBytes: 200_000 });
    let waits = false;
    const onProgress = (): void => {
      // what is dropped goes in the time in which nothing is read
      if (waits) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
      waits = false;
    };
    const connection = `postgresql://postgres@127.0.0.1:${proxy.port}/postgres`;
    const backing = backUp(repository, connection, { onProgress });
    await Promise.race([proxy.struck, backing]);
    for (const session of sessions) {
      await session.query('COMMIT');
      await session.close();
    }
    const dropping = DATABASES.map((name) => server.query(`DROP DATABASE ${name} WITH (FORCE)`));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    waits = true;
    proxy.release();
    await Promise.all(dropping);
    const backup = await backing;
    const { directories, files } = await readManifest(repository.store, backup.id);
    const empty = directories.filter(
      ({ path }) => /^base\/\d+$/.test(path) && !files.some((file) => file.path.startsWith(`${path}/`)),
    );
    // else nothing was put to the test
    expect(empty).not.toEqual([]);
    expect((await verify(repository, backup)).findings).toEqual([]);
    await using copy = await restoreAndStart(repository, backup);
    expect(await copy.query('SELECT id FROM orders')).toEqual([{ id: 7 }]);
    const left = await copy.query(`SELECT datname FROM pg_database WHERE datname LIKE 'passing%'`);
    expect(left).toEqual([]);
  },
  90_000,
);
