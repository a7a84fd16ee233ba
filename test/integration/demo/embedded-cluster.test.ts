import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootTest } from '../../support/able-to.ts';
import { systemClock } from '../../../src/clock.ts';
import { differences, fingerprintCluster } from '../../../src/demo/compare-clusters.ts';
import type { DemoCluster } from '../../../src/demo/embedded-cluster.ts';
import { openDemoCluster } from '../../../src/demo/embedded-cluster.ts';
import { chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';

describe('the demonstration cluster', () => {
  const program = join(import.meta.dirname, '../../support/programs/open-demo-cluster.ts');
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-demo-test-'));
    await chmod(directory, 0o755);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const open = (signal?: AbortSignal) =>
    openDemoCluster({
      directory,
      scale: 0.002,
      clock: systemClock,
      ...(signal === undefined ? {} : { signal }),
    });
  const contents = (cluster: DemoCluster) =>
    fingerprintCluster(cluster.superuserConnection, { unlogged: true });

  test('is filled once and has the same contents when opened again, even after its server was killed', async () => {
    const first = await open();
    const before = await contents(first);
    expect(first.created).toBe(true);
    await first.stop();

    const second = await open();
    expect(second.created).toBe(false);
    expect(differences(before, await contents(second))).toEqual([]);
    const lock = await readFile(join(second.directory, 'data', 'postmaster.pid'), 'utf8');
    process.kill(Number.parseInt(lock, 10), 'SIGKILL');
    await second.stop();

    const third = await open();
    // an unlogged table is emptied by crash recovery
    expect(differences(before, await contents(third))).toEqual([
      'truck: table public.truck_position has 0 rows in the copy instead of 80',
    ]);
    await third.stop();
  }, 120_000);

  test('gives the backup role a password, replication and no table', async () => {
    const cluster = await open();
    expect(statSync(cluster.passwordFile).mode & 0o777).toBe(0o600);
    const password = await readFile(cluster.passwordFile, 'utf8');
    await expect(
      openInstanceSession(cluster.connection.replace('larder@', 'larder:wrong@')),
    ).rejects.toThrow();
    {
      await using session = await openInstanceSession(cluster.connection.replace('@', `:${password}@`));
      expect(
        await session.query(
          `SELECT rolsuper, rolreplication, current_setting('wal_level') AS wal_level, current_setting('data_checksums') AS checksums,
                  current_setting('summarize_wal') AS summarize_wal
           FROM pg_roles WHERE rolname = current_user`,
        ),
      ).toEqual([
        { rolsuper: false, rolreplication: true, wal_level: 'replica', checksums: 'on', summarize_wal: 'on' },
      ]);
      await expect(session.query('SELECT * FROM customer')).rejects.toThrow('permission denied');
    }
    await cluster.stop();
  }, 120_000);

  test('is refused while it is open, and in a directory that is not its own', async () => {
    const cluster = await open();
    await expect(open()).rejects.toThrow('is open in another process');
    await cluster.stop();
    await rm(join(directory, 'postgres'), { recursive: true });
    await mkdir(join(directory, 'postgres'));
    await writeFile(join(directory, 'postgres', 'thesis.txt'), 'ten years of work');
    await expect(open()).rejects.toThrow('holds something else');
    expect(readdirSync(join(directory, 'postgres'))).toEqual(['thesis.txt']);
  }, 120_000);

  test('is taken over with its running server when the process that opened it was killed', async () => {
    const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const lockFile = join(directory, 'postgres', 'data', 'postmaster.pid');
    const left = Number.parseInt(await readFile(lockFile, 'utf8'), 10);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(process.kill(left, 0)).toBe(true);
    const cluster = await open();
    await cluster.stop();
    expect(cluster.created).toBe(false);
    // where nobody collects it, it stays as a zombie, without a working directory
    expect(existsSync(`/proc/${left}/cwd`)).toBe(false);
  }, 120_000);

  test('whose server was killed together with the process that opened it is started again', async () => {
    const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const lockFile = join(directory, 'postgres', 'data', 'postmaster.pid');
    child.kill('SIGKILL');
    await once(child, 'exit');
    process.kill(Number.parseInt(await readFile(lockFile, 'utf8'), 10), 'SIGKILL');
    const cluster = await open();
    await cluster.stop();
    expect(cluster.created).toBe(false);
  }, 120_000);

  test('is started again when its lock names a process id that now belongs to something else', async () => {
    const cluster = await open();
    await cluster.stop();
    // of the server's own account and not its parent: those ids it takes for leftovers without our help
    const user = await chooseInstanceUser();
    const somethingElse = spawn('sleep', ['60'], user === undefined ? {} : { uid: user.uid, gid: user.gid });
    const lockFile = join(cluster.directory, 'data', 'postmaster.pid');
    await writeFile(
      lockFile,
      [String(somethingElse.pid), '/data', '1700000000', '5432', '', '', '', ''].join('\n'),
    );
    const again = await open();
    expect(again.created).toBe(false);
    expect(somethingElse.exitCode).toBeNull();
    await again.stop();
    somethingElse.kill();
  }, 120_000);

  test('half made by an aborted call is made anew', async () => {
    const abort = new AbortController();
    const opening = open(abort.signal);
    // written right before the filling begins
    while (!existsSync(join(directory, 'postgres', 'password'))) await systemClock.sleep(5);
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    expect(existsSync(join(directory, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
    const cluster = await open();
    expect(cluster.created).toBe(true);
    await cluster.stop();
  }, 120_000);

  rootTest(
    'lies elsewhere when its account cannot enter the directory',
    async () => {
      if (process.getuid?.() !== 0) return; // others run it as themselves
      await chmod(directory, 0o700);
      const cluster = await open();
      try {
        expect(cluster.directory).toMatch(/^\/var\/tmp\/larder-demo-[0-9a-f]{16}$/);
        expect(statSync(cluster.directory).mode & 0o777).toBe(0o711);
        expect(statSync(cluster.directory).uid).toBe(0);
        expect(statSync(join(cluster.directory, 'data')).mode & 0o777).toBe(0o700);
        await expect(open()).rejects.toThrow('is open in another process');
      } finally {
        await cluster.stop();
        await rm(cluster.directory, { recursive: true });
      }
    },
    120_000,
  );
});
