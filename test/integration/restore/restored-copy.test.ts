import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/clock.ts';
import { removeInstanceHome, type InstanceHome } from '../../../src/postgres/server/instance-home.ts';
import { findEmbeddedBinaries } from '../../../src/postgres/server/find-binaries.ts';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { startInstance } from '../../../src/postgres/server/instance.ts';
import { reachableBinaries } from '../../../src/postgres/server/reachable-binaries.ts';
import { canReach, chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import type { RestorePlan } from '../../../src/restore/plan.ts';
import { parseTarget, type TargetOptions } from '../../../src/restore/recovery/parse-target.ts';
import { planRecovery } from '../../../src/restore/recovery/plan-recovery.ts';
import { startRestored } from '../../../src/restore/start/start-restored.ts';
import {
  backUp,
  carryOut,
  failureOf,
  makeCopyHome,
  makeScratch,
  objectsOf,
  planInto,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

const LARDER = fileURLToPath(new URL('../../../scripts/larder', import.meta.url));
const MAJOR = 17;

let scratch: Scratch;
let repository: TestRepository;
/** Of each row, in the order they were committed. */
const transactions: string[] = [];

/** A server that waits for the receiver at every commit, with four rows, a segment each, behind its backup. */
beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  await using server = await startServer({ major: MAJOR, walSegmentSizeMb: 1 });
  await using receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch.path, 'spool'),
  });
  await server.query('CREATE TABLE t (a int)');
  await server.query("ALTER SYSTEM SET synchronous_standby_names = 'larder'");
  await server.query("ALTER SYSTEM SET archive_mode = 'on'");
  await server.query("ALTER SYSTEM SET recovery_end_command = 'touch it_was_run'");
  await server.query('SELECT pg_reload_conf()');
  await backUp(repository, server.connection);
  for (let a = 1; a <= 4; a++) {
    const [row] = await server.query(
      `INSERT INTO t VALUES (${a}) RETURNING pg_current_xact_id()::text AS xid`,
    );
    transactions.push(String(row?.['xid']));
    await server.query('SELECT pg_switch_wal()');
  }
  const [end] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  await receiver.stored(lsnOf(end?.['lsn']));
}, 60_000);
afterAll(async () => scratch[Symbol.asyncDispose]());

let home: InstanceHome;
beforeEach(async () => {
  home = await makeCopyHome();
});
afterEach(async () => {
  await endFetching();
  await removeInstanceHome(home);
});

async function restore(options: TargetOptions, delta = false): Promise<RestorePlan> {
  const { store } = repository;
  const { backup, recovery } = await planRecovery(store, 'latest', parseTarget(options, systemClock.now()));
  const plan = await planInto(repository, backup, home.dataDirectory, { recovery, delta });
  await carryOut(plan);
  return plan;
}

describe('restore --start', () => {
  test.each(['pause', 'shutdown'])(
    'proves a target where the server shall %s, and promotes nothing',
    async (action) => {
      const plan = await restore({ targetXid: transactions[1]!, action });
      const started = await startRestored(plan, {
        owner: home.user,
        searchPath: undefined,
        clock: systemClock,
        signal: new AbortController().signal,
        leave: action === 'shutdown' ? 'running' : 'stopped',
      });
      expect(started).toMatchObject({ running: false, timeline: undefined });
      expect(started.reached).toContain(`recovery stopping after commit of transaction ${transactions[1]}`);
    },
    60_000,
  );
});

describe('restore --delta', () => {
  test('rolls an earlier copy, which was promoted since, forward to another target', async () => {
    const prove = async (plan: RestorePlan) =>
      startRestored(plan, {
        owner: home.user,
        searchPath: undefined,
        clock: systemClock,
        signal: new AbortController().signal,
        leave: 'stopped',
      });
    // the copy is promoted, and so goes on on a timeline of its own
    expect(await prove(await restore({ targetXid: transactions[3]! }))).toMatchObject({ timeline: 2 });
    await endFetching();
    const plan = await restore({ targetXid: transactions[1]! }, true);
    expect(plan.copy?.removedFiles).toBeGreaterThan(0);
    const started = await prove(plan);
    expect(started.reached).toContain(`recovery stopping after commit of transaction ${transactions[1]}`);
  }, 60_000);
});

describe('a restored copy that somebody starts later', () => {
  /** The account of the copy can run Larder and read the repository. */
  beforeEach(async () => {
    const { user } = home;
    if (user === undefined) return;
    await promisify(execFile)('chown', ['-R', `${user.uid}:${user.gid}`, repository.location.directory]);
  });

  test('is rolled forward to the end of the archive, and belongs to nobody but itself', async () => {
    if (!(await isReachable())) return;
    await restore({});
    await using copy = await startHere();
    // it answers before it is promoted
    await until(async () => (await copy.query('SELECT pg_is_in_recovery() AS yes'))[0]?.['yes'] === false);
    expect(await copy.query('SELECT a FROM t ORDER BY a')).toEqual([1, 2, 3, 4].map((a) => ({ a })));
    const names = ['archive_mode', 'synchronous_standby_names', 'primary_conninfo', 'primary_slot_name'];
    const rows = await copy.query(
      `SELECT name, setting FROM pg_settings WHERE name IN ('${names.join("', '")}') ORDER BY name`,
    );
    expect(rows.map((row) => row['setting'])).toEqual(['off', '', '', '']);
    // it would wait for the source's receiver for ever
    await copy.query('SET statement_timeout = 5000; INSERT INTO t VALUES (5)');
    expect(await readdir(home.dataDirectory)).not.toContain('it_was_run');
  }, 60_000);

  test('pauses at its target when it was told to', async () => {
    if (!(await isReachable())) return;
    await restore({ targetXid: transactions[2]!, exclusive: true, action: 'pause' });
    await using copy = await startHere();
    expect(await copy.query('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(await copy.query('SELECT pg_is_in_recovery() AS yes')).toEqual([{ yes: true }]);
  }, 60_000);

  test('ends with an error when a segment has gone missing since, and is not promoted', async () => {
    await restore({});
    const segments = (await objectsOf(repository)).filter((name) => /\/[0-9A-F]{24}$/.test(name));
    const file = join(repository.location.directory, segments.at(-2)!);
    await rm(file);
    const failure = await failureOf(startHere());
    expect(failure).toMatchObject({ code: 'INSTANCE_FAILED' });
    expect(failure.hint).toMatch(/FATAL: {2}(could not restore file|recovery ended before)/);
    expect(failure.hint).not.toContain('selected new timeline');
  }, 60_000);
});

/** Starts the copy with its own settings; its directory stays. */
async function startHere() {
  const installed = await findEmbeddedBinaries(MAJOR);
  const binaries = await reachableBinaries(installed!, home);
  const instance = await startInstance({ binaries, home, settings: {}, clock: systemClock });
  return {
    query: async (text: string) => {
      await using session = await openInstanceSession(instance.connection);
      return await session.query(text);
    },
    [Symbol.asyncDispose]: async () => instance.stop('immediate'),
  };
}

/** In a checkout that the account of test servers cannot enter, it can run no restore_command. */
async function isReachable(): Promise<boolean> {
  return canReach(LARDER, await chooseInstanceUser());
}

/** Waits for the end of the process that restore_command started, a second after its server: it still writes there. */
async function endFetching(): Promise<void> {
  const directory = join(home.dataDirectory, 'pg_wal');
  await until(async () => !(await readdir(directory)).includes('larder_fetch'));
}
