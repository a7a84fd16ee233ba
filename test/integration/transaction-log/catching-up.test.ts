import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { contiguousRanges } from '../../../src/repository/wal/continuity.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import {
  backUp,
  makeScratch,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startLarder } from '../../support/larder-command.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { rollForward } from '../../support/rolled-forward.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

const BATCHES = 12;
const BATCH_MIB = 50;

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({ major: 18, walSegmentSizeMb: 16 });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const spool = (name: string) => join(scratch.path, name);

async function position(): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

/** So much log that a receiver is far behind, and a row behind each part of it. */
async function goOnWithout(): Promise<void> {
  for (let batch = 1; batch <= BATCHES; batch++) {
    await server.query(
      `SELECT pg_logical_emit_message(false, 'larder', repeat(md5(g::text), 32768)) FROM generate_series(1, ${BATCH_MIB}) g`,
    );
    await server.query(`INSERT INTO t VALUES (${batch})`);
  }
}

async function storedSegments(): Promise<number> {
  const names = await readdir(join(repository.location.directory, 'transaction_logs'), { recursive: true });
  return names.filter((name) => /\/[0-9A-F]{24}$/.test(name)).length;
}

async function acknowledged(): Promise<bigint> {
  const [row] = await server.query('SELECT restart_lsn AS lsn FROM pg_replication_slots');
  return lsnOf(row?.['lsn']);
}

/** Behind the last byte that the repository holds without a hole: segments are stored side by side. */
async function storedEnd(): Promise<bigint> {
  const [row] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
  const record = (await readArchiveRecord(repository.store, String(row?.['id'])))!;
  return contiguousRanges(await readWalIndex(repository.store, record), 1, [])[0]!.end;
}

test('a receiver that catches up acknowledges nothing that is only in its page cache', async () => {
  await server.query('CREATE TABLE t (batch int)');
  const first = startReceiver(repository, { connection: server.connection, spool: spool('first') });
  await first.stored(await position());
  await backUp(repository, server.connection);
  await first.stop();
  await goOnWithout();

  const before = await storedSegments();
  const environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: repository.location.directory,
    LARDER_STATE_DIR: spool('killed'),
  };
  const { child, ended } = startLarder(['wal', 'receive'], environment);
  await until(async () => (await storedSegments()) >= before + 6);
  child.kill('SIGKILL');
  await ended;
  // as a power cut would; where storing was too slow for that, the spool was forced to the disk, and survives one
  if ((await acknowledged()) <= (await storedEnd())) await rm(spool('killed'), { recursive: true });
  else process.stderr.write('the spool was not left out: this machine stores less than 64 MiB a second\n');

  const end = await position();
  await using next = startReceiver(repository, {
    connection: server.connection,
    spool: join(spool('killed'), 'spool', 'postgres'),
  });
  await next.stored(end);
  await using copy = await rollForward(repository, {});
  expect(await copy.query('SELECT count(*)::int AS count, max(batch) AS max FROM t')).toEqual([
    { count: BATCHES, max: BATCHES },
  ]);
}, 120_000);
