import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { backUp, makeScratch, repositoryAt, type Scratch } from '../../support/backup-runner.ts';
import { holdDrill } from '../../support/drills/hold-drill.ts';
import { startServer } from '../../support/postgres-server.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

/**
 * A fault of PostgreSQL, not of the copy: crash recovery and pg_basebackup end up with the same. The switch to the new file of
 * pg_proc is logged before the commit of the transaction whose number its TOAST rows bear, and the target lies between the two.
 */
test.each([15, 18] as const)(
  'a point between the two records that rewrite pg_proc loses its TOAST rows, and is not called sound: PostgreSQL %i',
  async (major) => {
    const repository = repositoryAt(join(scratch.path, `backups-${major}`));
    const drills = join(scratch.path, `drills-${major}`);
    await mkdir(drills);
    await chmod(drills, 0o755);
    await using server = await startServer({
      major,
      walSegmentSizeMb: 1,
      settings: { autovacuum: 'off' },
    });
    const spool = join(scratch.path, `spool-${major}`);
    await using receiver = startReceiver(repository, { connection: server.connection, spool });
    await backUp(repository, server.connection);
    await server.query('CREATE TABLE orders AS SELECT 1 AS id');
    const [before] = await server.query('SELECT clock_timestamp()::text AS t');
    await server.query('VACUUM FULL pg_proc');
    await server.query('INSERT INTO orders VALUES (2)');
    const [end] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
    await receiver.stored(lsnOf(end?.['lsn']));
    const args = ['--repository', repository.location.directory, '--target-time', String(before?.['t'])];
    const { code, report } = await holdDrill(args, drills);
    const findings = report.checks.flatMap((check) => check.findings.map(({ message }) => message));
    expect(findings).toContainEqual(expect.stringMatching(/pg_proc.*toast value \d+ not found/s));
    expect(report.met).toBe(false);
    expect(code).not.toBe(0);
  },
  90_000,
);
