import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { contiguousRanges } from '../../../src/repository/wal/continuity.ts';
import { readWalIndex, type WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { makeScratch, repositoryAt, type Scratch, type TestRepository } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver, type ReceiverChanges } from '../../support/wal-receiver.ts';

const MIB = 1024 * 1024;

let server: TestServer;
beforeAll(async () => {
  // a slot that nobody uses is invalidated at the next checkpoint
  const settings = { idle_replication_slot_timeout: '1s' };
  server = await startServer({ major: 18, walSegmentSizeMb: 1, tcp: true, settings });
  await server.query('CREATE TABLE t (a int)');
}, 60_000);
afterAll(async () => server.stop());

let scratch: Scratch;
let repository: TestRepository;
beforeEach(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
});
afterEach(async () => {
  await server.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
  await scratch[Symbol.asyncDispose]();
});

function begin(changes: ReceiverChanges = {}, connection = server.connection) {
  return startReceiver(repository, { connection, spool: join(scratch.path, 'spool'), changes });
}

async function position(): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

async function slot(): Promise<Record<string, unknown> | undefined> {
  const text = 'SELECT restart_lsn::text AS restart, invalidation_reason AS reason FROM pg_replication_slots';
  return (await server.query(text))[0];
}

async function index(): Promise<WalIndex> {
  const [row] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
  const record = await readArchiveRecord(repository.store, String(row?.['id']));
  if (record === undefined) throw new Error('there is no archive');
  return readWalIndex(repository.store, record);
}

async function writeSegments(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await server.query('INSERT INTO t SELECT generate_series(1, 100)');
    await server.query('SELECT pg_switch_wal()');
  }
}

/** The server's processes see no receiver any more. */
async function gone(): Promise<void> {
  await until(async () => (await server.query('SELECT 1 FROM pg_stat_replication')).length === 0);
}

test('commits that would wait for ever are warned of, also when the settings change under a running receiver', async () => {
  await using receiver = begin();
  await receiver.stored(await position());
  const warned = (): number => receiver.notices.filter(({ text }) => text.includes('remote_apply')).length;
  await until(() => receiver.status().slot !== undefined);
  expect(warned()).toBe(0);
  await server.query("ALTER SYSTEM SET synchronous_standby_names = 'larder'");
  await server.query("ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
  try {
    await server.query('SELECT pg_reload_conf()');
    await until(() => warned() === 1);
  } finally {
    await server.query('ALTER SYSTEM RESET synchronous_standby_names');
    await server.query('ALTER SYSTEM RESET synchronous_commit');
    await server.query('SELECT pg_reload_conf()');
  }
  await receiver.stop();
  await gone();
}, 30_000);

test('with protect: history and ack: repository the server keeps all that is not stored, and it is told', async () => {
  const receiver = begin({ protect: 'history', ack: 'repository', maxRetained: 2 * MIB });
  await receiver.stored(await position());
  const before = await position();
  const place = repository.location.directory;
  await rename(place, `${place}.gone`);
  await writeSegments(6);
  const end = await position();
  await until(() => (receiver.status().received ?? 0n) >= end);
  await until(() => receiver.notices.some(({ text }) => text.includes('protect: history keeps the slot')));
  // nothing is acknowledged that is not stored
  expect(receiver.status().durable).toBeLessThanOrEqual(before);
  expect(lsnOf((await slot())?.['restart'])).toBeLessThanOrEqual(before);
  await rename(`${place}.gone`, place);
  await receiver.stored(end);
  await until(async () => lsnOf((await slot())?.['restart']) >= end);
  await receiver.stop();
  expect(receiver.notices.filter(({ text }) => text.includes('keeps the slot'))).toHaveLength(1);
  expect(await index()).toMatchObject({ holes: [] });
  await gone();
}, 30_000);

test('a slot that the server gave up because nobody used it is made anew, without a hole while the WAL is there', async () => {
  const first = begin();
  await first.stored(await position());
  await first.stop();
  await gone();
  await server.query('INSERT INTO t VALUES (1)');
  await until(async () => {
    await server.query('CHECKPOINT');
    return (await slot())?.['reason'] === 'idle_timeout';
  });
  const second = begin();
  await second.stored(await position());
  await second.stop();
  const found = await index();
  expect(found.holes).toEqual([]);
  expect(contiguousRanges(found, 1, [])).toHaveLength(1);
  const errors = second.notices.filter(({ level }) => level === 'error');
  expect(errors.map(({ text }) => text)).toEqual([expect.stringContaining('gave up the slot')]);
  await gone();
}, 30_000);

describe('a connection that died without a word', () => {
  test.each([300, 700])(
    'does not keep the receiver from ending (after %i bytes)',
    async (afterBytes) => {
      await server.query("ALTER ROLE postgres PASSWORD 'secret'");
      await using proxy = await startProxy({ target: server.port, fault: 'silence', afterBytes });
      const url = new URL(server.urlFor({ user: 'postgres', password: 'secret' }));
      url.port = String(proxy.port);
      const receiver = begin({}, url.href);
      await proxy.struck;
      let ended = false;
      const stopping = receiver.stop().then(() => (ended = true));
      await until(() => ended);
      await stopping;
    },
    30_000,
  );
});
