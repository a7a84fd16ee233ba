import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LarderError } from '../../../src/errors.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { systemClock } from '../../../src/clock.ts';
import { removeInstanceHome, type InstanceHome } from '../../../src/postgres/server/instance-home.ts';
import { parseTarget } from '../../../src/restore/recovery/parse-target.ts';
import { planRecovery } from '../../../src/restore/recovery/plan-recovery.ts';
import { startRestored, type Started } from '../../../src/restore/start/start-restored.ts';
import {
  backUp,
  carryOut,
  failureOf,
  makeCopyHome,
  makeScratch,
  planInto,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer } from '../../support/postgres-server.ts';
import { rollForward } from '../../support/rolled-forward.ts';
import { giveToServer } from '../../support/varied-cluster.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

/** The same recovery of one restored directory, twice. */
async function recoveries(
  repository: TestRepository,
  targetLsn: string,
): Promise<(() => Promise<Started>)[]> {
  const wanted = parseTarget({ targetLsn, action: 'shutdown' }, systemClock.now());
  const { backup, recovery } = await planRecovery(repository.store, 'latest', wanted);
  const home = await makeCopyHome();
  homes.push(home);
  const plan = await planInto(repository, backup, home.dataDirectory, { recovery });
  await carryOut(plan);
  const { signal } = new AbortController();
  const options = { owner: home.user, searchPath: undefined, clock: systemClock, signal } as const;
  const start = () => startRestored(plan, { ...options, leave: 'stopped' });
  return [start, start];
}

const homes: InstanceHome[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await removeInstanceHome(home);
});

describe.each([15, 18] as const)('PostgreSQL %i: a tablespace that was made behind the backup', (major) => {
  test('is not replayed over the one of a server on this host', async () => {
    const repository = repositoryAt(join(scratch.path, `backups-${major}`));
    const location = join(scratch.path, `late-${major}`);
    await mkdir(location);
    await giveToServer(location);
    await using server = await startServer({ major, walSegmentSizeMb: 1, settings: { autovacuum: 'off' } });
    const spool = join(scratch.path, `spool-${major}`);
    await using receiver = startReceiver(repository, { connection: server.connection, spool });
    await backUp(repository, server.connection);
    const positionNow = async () => {
      const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
      return lsnOf(row?.['lsn']);
    };
    await server.query('CREATE TABLE before AS SELECT 7 AS seen');
    const before = await positionNow();
    await server.query(`CREATE TABLESPACE late LOCATION '${location}'`);
    await server.query(`CREATE TABLE orders TABLESPACE late AS SELECT generate_series(1, 10) AS id`);
    const target = await positionNow();
    await receiver.stored(target);
    await server.query('INSERT INTO orders SELECT generate_series(11, 5000)');
    await server.query('CHECKPOINT');
    const count = async () => (await server.query('SELECT count(*)::int AS rows FROM orders'))[0]?.['rows'];
    const failure = await failureOf(
      rollForward(repository, { targetLsn: formatLsn(target) }).then((copy) => copy[Symbol.asyncDispose]()),
    ).catch((error: unknown) => error as LarderError);
    // a point before it in the same segment can be had
    await using copy = await rollForward(repository, { targetLsn: formatLsn(before) });
    expect(await copy.query('SELECT seen FROM before')).toEqual([{ seen: 7 }]);
    // what it has in memory would hide what lies on the disk
    await server.halt();
    await server.restart();
    expect(await count()).toBe(5000);
    expect(failure).toMatchObject({ code: 'RESTORE_FAILED' });
    expect(failure.message).toContain(location);
    await rm(location, { recursive: true, force: true });
  }, 120_000);

  test('comes back on another host, as often as the recovery is begun', async () => {
    const repository = repositoryAt(join(scratch.path, `elsewhere-${major}`));
    const location = join(scratch.path, `moved-${major}`);
    const makeLocation = async () => {
      await mkdir(location);
      await giveToServer(location);
    };
    await makeLocation();
    await using server = await startServer({ major, walSegmentSizeMb: 1, settings: { autovacuum: 'off' } });
    const spool = join(scratch.path, `spool-elsewhere-${major}`);
    await using receiver = startReceiver(repository, { connection: server.connection, spool });
    await backUp(repository, server.connection);
    // what it made once it may make again
    for (const round of [1, 2]) {
      if (round === 2) {
        await server.query('DROP TABLE orders');
        await server.query('DROP TABLESPACE late');
      }
      await server.query(`CREATE TABLESPACE late LOCATION '${location}'`);
      await server.query(`CREATE TABLE orders TABLESPACE late AS SELECT ${round} AS id`);
    }
    const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    const target = lsnOf(row?.['lsn']);
    await server.query('SELECT pg_switch_wal()');
    await receiver.stored(target);
    await server.halt();
    await rm(location, { recursive: true });
    await makeLocation();
    // a recovery that ends with a shutdown begins again at every start
    for (const start of await recoveries(repository, formatLsn(target))) {
      expect((await start()).reached).toContain('recovery stopping after WAL location');
    }
    await server.restart();
  }, 120_000);
});
