import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeScratch, type Scratch } from '../support/backup-runner.ts';
import { startLarder } from '../support/larder-command.ts';
import { startServer, type TestServer } from '../support/postgres-server.ts';

/** A table with its index and its TOAST has four files: a hundred thousand of them. */
const TABLES = 25_000;
/** What a backup or restore of any size may take, MiB. */
const LIMIT = 300;

let scratch: Scratch;
let server: TestServer;
beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({
    major: 18,
    settings: { autovacuum: 'off', fsync: 'off', summarize_wal: 'on', max_locks_per_transaction: '2000' },
  });
  for (let first = 0; first < TABLES; first += 5000)
    await server.query(`DO $$ BEGIN FOR i IN ${first}..${first + 4999} LOOP
      EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, what text)', i);
      EXECUTE format('INSERT INTO t_%s SELECT g, md5(g::text) FROM generate_series(1, 5) g', i);
    END LOOP; END $$`);
}, 300_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

/** Runs a command; its peak of resident memory, MiB, as the kernel has it shortly before the end. */
async function peakOf(...args: string[]): Promise<number> {
  const environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: join(scratch.path, 'backups'),
    LARDER_STATE_DIR: join(scratch.path, 'state'),
  };
  const { child, ended } = startLarder(args, environment);
  let peak = 0;
  const timer = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8')
      .then((text) => (peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? peak * 1024) / 1024))
      .catch(() => undefined);
  }, 20);
  const { code, stderr } = await ended;
  clearInterval(timer);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  process.stderr.write(`${args.slice(0, 2).join(' ')} of ${4 * TABLES} files: ${peak.toFixed(0)} MiB\n`);
  return peak;
}

test('backups of a hundred thousand files, with their fingerprints, and a restore stay within the memory of any', async () => {
  expect(await peakOf('backup', '--full')).toBeLessThan(LIMIT);
  await server.query(`INSERT INTO t_1 SELECT g, 'x' FROM generate_series(100, 200) g`);
  expect(await peakOf('backup', '--incremental')).toBeLessThan(LIMIT);
  const target = ['--to-dir', join(scratch.path, 'restored')];
  const owner = process.getuid?.() === 0 ? ['--owner', 'nobody'] : [];
  expect(await peakOf('restore', 'latest', ...target, ...owner)).toBeLessThan(LIMIT);
}, 300_000);
