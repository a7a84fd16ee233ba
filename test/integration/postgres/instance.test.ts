import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rootTest } from '../../support/able-to.ts';
import { systemClock } from '../../../src/clock.ts';
import type { LarderError } from '../../../src/errors.ts';
import { findEmbeddedBinaries, findServerBinaries } from '../../../src/postgres/server/find-binaries.ts';
import type { ServerBinaries } from '../../../src/postgres/server/find-binaries.ts';
import { initializeCluster } from '../../../src/postgres/server/initialize-cluster.ts';
import { prepareInstanceHome, removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { canReach, chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import { launchInstance, startInstance } from '../../../src/postgres/server/instance.ts';
import { reachableBinaries } from '../../../src/postgres/server/reachable-binaries.ts';
import { startTemporaryInstance } from '../../../src/postgres/server/temporary-instance.ts';
import { majors, startServer } from '../../support/postgres-server.ts';

const plain = { checksums: true, walSegmentSizeMb: 16, settings: {} };

describe.each(majors)('PostgreSQL %i', (major) => {
  test('starts, answers through the unix socket, stops and leaves nothing', async () => {
    const server = await startServer({ major });
    const [row] = await server.query('SHOW server_version_num');
    expect(Math.floor(Number(row!['server_version_num']) / 10_000)).toBe(major);
    await server.stop();
    expect(existsSync(server.dataDirectory)).toBe(false);
    expect(() => process.kill(server.processId, 0)).toThrow('ESRCH');
  }, 60_000);
});

describe('a test server', () => {
  test('has the checksums, segment size and settings it was asked for, in its own configuration file', async () => {
    await using server = await startServer({
      major: 18,
      checksums: false,
      walSegmentSizeMb: 1,
      settings: { application_name: "it's" },
    });
    const [row] = await server.query(
      `SELECT current_setting('data_checksums') AS checksums, current_setting('wal_segment_size') AS segment,
              (SELECT sourcefile FROM pg_settings WHERE name = 'application_name') IS NULL AS overridden`,
    );
    expect(row).toEqual({ checksums: 'off', segment: '1MB', overridden: true });
    expect(await readFile(join(server.dataDirectory, 'postgresql.conf'), 'utf8')).toContain(
      "application_name = 'it''s'",
    );
  }, 60_000);

  test('asks for a password on TCP', async () => {
    await using server = await startServer({ major: 17, tcp: true });
    await server.query(`CREATE ROLE guest LOGIN PASSWORD 'open sesame'`);
    const right = server.urlFor({ user: 'guest', password: 'open sesame' });
    const wrong = server.urlFor({ user: 'guest', password: 'no' });
    await using session = await openInstanceSession(right);
    expect(await session.query('SELECT current_user')).toEqual([{ current_user: 'guest' }]);
    await expect(openInstanceSession(wrong)).rejects.toMatchObject({ code: '28P01' });
  }, 60_000);

  test('comes back with its data after the postmaster was killed', async () => {
    await using server = await startServer({ major: 16 });
    await server.query('CREATE TABLE kept AS SELECT 1 AS one; CHECKPOINT; INSERT INTO kept VALUES (2)');
    await server.kill();
    await server.restart();
    expect(await server.query('SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 2 }]);
  }, 60_000);

  test('inherits no secret from the environment', async () => {
    process.env['DATABASE_PASSWORD'] = 'hunter2';
    try {
      await using server = await startServer({ major: 17 });
      await server.query(`COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; env > ${server.dataDirectory}/seen'`);
      expect(await readFile(join(server.dataDirectory, 'seen'), 'utf8')).not.toContain('hunter2');
    } finally {
      delete process.env['DATABASE_PASSWORD'];
    }
  }, 60_000);
});

describe('an instance', () => {
  let directory: string;
  let binaries: ServerBinaries;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-instance-'));
    await chmod(directory, 0o755);
    binaries = (await findEmbeddedBinaries(17))!;
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const makeCluster = async () => {
    const home = await prepareInstanceHome(join(directory, 'home'), await chooseInstanceUser());
    await initializeCluster(binaries, home, plain);
    return home;
  };

  test('that cannot start is reported with the end of its log', async () => {
    const home = await makeCluster();
    const start = startInstance({ binaries, home, settings: { shared_buffers: 'many' }, clock: systemClock });
    const failure = (await start.catch((error: unknown) => error)) as LarderError;
    expect(failure.code).toBe('INSTANCE_FAILED');
    expect(failure.message).toBe(`the PostgreSQL instance in ${home.dataDirectory} ended while starting`);
    expect(failure.hint).toContain('invalid value for parameter "shared_buffers"');
  }, 60_000);

  test('that ends at once is not waited for without an end', async () => {
    const home = await prepareInstanceHome(join(directory, 'home'), await chooseInstanceUser());
    for (let i = 0; i < 100; i++) {
      const launched = await launchInstance({
        binaries,
        home,
        settings: {},
        command: ['false'],
        clock: systemClock,
      });
      await launched.stop('immediate');
    }
  });

  test('that stays silent is given up and leaves no process', async () => {
    const home = await makeCluster();
    // a recovery that waits for its archive for ever answers nobody
    await writeFile(join(home.dataDirectory, 'standby.signal'), '');
    const settings = { hot_standby: 'off', restore_command: 'false' };
    const start = startInstance({ binaries, home, settings, startTimeout: 1500, clock: systemClock });
    await expect(start).rejects.toMatchObject({ code: 'INSTANCE_FAILED' });
    expect(existsSync(join(home.dataDirectory, 'postmaster.pid'))).toBe(false);
  }, 60_000);

  test('whose start is aborted leaves no process', async () => {
    const home = await makeCluster();
    const abort = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => abort.abort(reason), 20);
    const options = { binaries, home, settings: {}, clock: systemClock, signal: abort.signal };
    await expect(startInstance(options)).rejects.toBe(reason);
    expect(existsSync(join(home.dataDirectory, 'postmaster.pid'))).toBe(false);
  }, 60_000);

  test('with a long path keeps its socket in a short one, and only its account may enter', async () => {
    const long = join(
      directory,
      'a-directory-name-of-sixty-characters-so-that-it-is-far-too-long',
      'b'.repeat(40),
    );
    const home = await prepareInstanceHome(long, await chooseInstanceUser());
    expect(home.socketDirectory.length).toBeLessThan(92);
    expect(statSync(home.socketDirectory).mode & 0o777).toBe(0o700);
    await removeInstanceHome(home);
    expect(existsSync(home.socketDirectory)).toBe(false);
  });

  test('started as a temporary one reads neither the restored configuration nor its archive settings', async () => {
    const home = await makeCluster();
    await writeFile(join(home.dataDirectory, 'pg_hba.conf'), 'local all all reject\n');
    await writeFile(join(home.dataDirectory, 'postgresql.conf'), 'no such setting = here\n');
    await writeFile(join(home.dataDirectory, 'postgresql.auto.conf'), "archive_mode = 'on'\n");
    {
      await using instance = await startTemporaryInstance({
        binaries,
        home,
        settings: {},
        clock: systemClock,
      });
      await using session = await openInstanceSession(instance.connection);
      expect(await session.query('SHOW archive_mode')).toEqual([{ archive_mode: 'off' }]);
    }
    expect(readdirSync(directory)).toEqual([]);
  }, 60_000);

  rootTest(
    'runs from a copy when its account cannot reach the installation',
    async () => {
      const user = await chooseInstanceUser();
      if (user === undefined) return; // only root starts servers for somebody else
      const closed = join(directory, 'closed');
      await mkdir(closed, { mode: 0o700 });
      await cp(dirname(binaries.directory), join(closed, 'native'), {
        recursive: true,
        verbatimSymlinks: true,
      });
      const unreachable = { ...binaries, directory: join(closed, 'native', 'bin') };
      expect(await canReach(join(unreachable.directory, 'postgres'), user)).toBe(false);
      const home = await prepareInstanceHome(join(directory, 'home'), user);
      const copy = await reachableBinaries(unreachable, home);
      await initializeCluster(copy, home, plain);
      const instance = await startInstance({ binaries: copy, home, settings: {}, clock: systemClock });
      await instance.stop('fast');
    },
    60_000,
  );
});

test('an installation in a named directory is preferred, one of another version is passed over', async () => {
  const embedded = (await findEmbeddedBinaries(16))!;
  const named = await findServerBinaries(16, { directory: embedded.directory });
  expect(named).toEqual({ ...embedded, origin: 'configured' });
  const onPath = await findServerBinaries(18, {
    searchPath: `/nowhere:${(await findEmbeddedBinaries(18))!.directory}`,
  });
  expect(onPath?.origin).toMatch(/path|system/);
  expect((await findServerBinaries(17, { directory: embedded.directory }))?.major).toBe(17);
  expect(await findServerBinaries(9)).toBeUndefined();
}, 60_000);
