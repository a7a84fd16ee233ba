import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readPosition } from '../../../src/repository/wal/received-position.ts';
import { parseTarget } from '../../../src/restore/recovery/parse-target.ts';
import { planRecovery } from '../../../src/restore/recovery/plan-recovery.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  objectsOf,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { copyData, promote, putBack } from '../../support/promotion.ts';
import { rollForward } from '../../support/rolled-forward.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

async function position(server: TestServer): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

function plan({ store }: TestRepository, id: string, options: Parameters<typeof parseTarget>[0]) {
  return planRecovery(store, id, parseTarget(options, Date.now()));
}

/**
 * A server whose last WAL its successor never got: one backup before the branch, one on the branch that was given up, and
 * transactions of the successor behind it.
 */
async function failOver(server: TestServer, repository: TestRepository) {
  await using receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch.path, 'spool'),
  });
  await server.query('CREATE TABLE t (a int)');
  const before = await backUp(repository, server.connection);
  await server.query('INSERT INTO t VALUES (1)');
  await server.halt();
  const copy = join(scratch.path, 'older');
  await copyData(server, copy);
  await server.restart();
  await server.query('INSERT INTO t VALUES (2)');
  const dead = await backUp(repository, server.connection);
  await receiver.stored(await position(server));
  await server.halt();
  await putBack(server, copy, join(scratch.path, 'given-up'));
  await promote(server);
  await server.query('INSERT INTO t VALUES (3)');
  await until(() => receiver.status().timeline === 2);
  await receiver.stored(await position(server));
  const [row] = await server.query('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::text AS now');
  const system = before.systemIdentifier;
  await until(
    async () => ((await readPosition(repository.store, system))?.complete ?? 0) > Number(row?.['now']),
  );
  return { before, dead, time: new Date(Number(row?.['now'])).toISOString() };
}

test('the branch that was given up is not taken for the end of the archive', async () => {
  await using server = await startServer({ major: 18, walSegmentSizeMb: 1 });
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const { before, dead, time } = await failOver(server, repository);

  const newest = await plan(repository, 'latest', {});
  expect(newest).toMatchObject({ backup: { id: before.id }, recovery: { path: { timeline: 2 } } });
  expect(newest.remarks.join()).toContain(dead.id);
  await using copy = await rollForward(repository, {});
  expect(await copy.query('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 3 }]);

  // what the receiver says of timeline 2 proves nothing of timeline 1
  expect(await failureOf(plan(repository, dead.id, { targetTime: time }))).toMatchObject({
    code: 'RESTORE_REFUSED',
  });
  expect(await plan(repository, 'latest', { targetTime: time })).toMatchObject({ backup: { id: before.id } });
  expect(await plan(repository, dead.id, {})).toMatchObject({ backup: { id: dead.id } });

  // the last thing that was stored is missed too
  const last = (await objectsOf(repository)).filter((name) => name.includes('/00000002/')).at(-1)!;
  await rm(join(repository.location.directory, last));
  const failure = await failureOf(plan(repositoryAt(repository.location.directory), 'latest', {}));
  expect(failure).toMatchObject({ code: 'WAL_GAP' });
}, 90_000);
