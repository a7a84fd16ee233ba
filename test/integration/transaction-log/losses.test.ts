import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { contiguousRanges } from '../../../src/repository/wal/continuity.ts';
import { readWalIndex, type WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { makeScratch, repositoryAt, type Scratch, type TestRepository } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver, type RunningReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

const MIB = 1024 * 1024;

async function position(server: TestServer): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

async function indexOf({ store }: TestRepository, server: TestServer): Promise<WalIndex> {
  const [row] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
  const record = await readArchiveRecord(store, String(row?.['id']));
  if (record === undefined) throw new Error('there is no archive');
  return readWalIndex(store, record);
}

/** Fills and switches segments, and has the server forget the old ones. */
async function writeSegments(server: TestServer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await server.query('INSERT INTO t SELECT generate_series(1, 100)');
    await server.query('SELECT pg_switch_wal()');
  }
  await server.query('CHECKPOINT');
}

function begin(name: string, server: TestServer, changes = {}): [TestRepository, RunningReceiver] {
  const repository = repositoryAt(join(scratch.path, name));
  const spool = join(scratch.path, `${name}-spool`);
  return [repository, startReceiver(repository, { connection: server.connection, spool, changes })];
}

const settings = { min_wal_size: '2MB', max_wal_size: '3MB' };

describe('WAL that the server does not have any more', () => {
  test('because the slot was dropped while nobody received, is recorded as a hole and left behind', async () => {
    await using server = await startServer({ major: 16, walSegmentSizeMb: 1, settings });
    await server.query('CREATE TABLE t (a int)');
    const [repository, first] = begin('dropped', server);
    await first.stored(await position(server));
    await first.stop();
    const [slot] = await server.query('SELECT slot_name FROM pg_replication_slots');
    await until(async () => (await server.query('SELECT 1 FROM pg_stat_replication')).length === 0);
    await server.query(`SELECT pg_drop_replication_slot('${String(slot?.['slot_name'])}')`);
    await writeSegments(server, 12);
    const [, second] = begin('dropped', server);
    await server.query('INSERT INTO t SELECT 1');
    await second.stored(await position(server));
    await second.stop();
    const index = await indexOf(repository, server);
    expect(index.holes).toHaveLength(1);
    expect(index.holes[0]).toMatchObject({ reason: 'wal-removed', timeline: 1 });
    const ranges = contiguousRanges(index, 1, []);
    expect(ranges).toHaveLength(2);
    expect(index.holes[0]?.from).toBe(ranges[0]?.end);
    expect(index.holes[0]?.to).toBe(ranges[1]?.start);
    expect(second.notices.some(({ hint }) => hint?.includes('new full backup'))).toBe(true);
  }, 60_000);

  test('because the slot was invalidated, likewise, with a new slot and no endless retry', async () => {
    const limit = { ...settings, max_slot_wal_keep_size: '1MB' };
    await using server = await startServer({ major: 18, walSegmentSizeMb: 1, settings: limit });
    await server.query('CREATE TABLE t (a int)');
    const [repository, first] = begin('invalidated', server);
    await first.stored(await position(server));
    await first.stop();
    await writeSegments(server, 20);
    const [row] = await server.query('SELECT wal_status FROM pg_replication_slots');
    expect(row?.['wal_status']).toBe('lost');
    const [, second] = begin('invalidated', server);
    await server.query('INSERT INTO t SELECT 1');
    await second.stored(await position(server));
    await until(() => second.status().slot?.walStatus === 'reserved');
    await second.stop();
    expect((await indexOf(repository, server)).holes).toHaveLength(1);
    expect(second.notices.filter(({ level }) => level === 'warning')).toEqual([]);
  }, 60_000);
});

describe('a repository that is away', () => {
  test('costs nothing that was acknowledged: the spool keeps it until the repository is back', async () => {
    await using server = await startServer({ major: 15, walSegmentSizeMb: 1 });
    await server.query('CREATE TABLE t (a int)');
    const [repository, receiver] = begin('away', server);
    await receiver.stored(await position(server));
    const place = join(scratch.path, 'away');
    await rename(place, `${place}.gone`);
    // a directory of that name must not be made anew in its place
    await writeSegments(server, 5);
    const end = await position(server);
    await until(() => (receiver.status().durable ?? 0n) >= end);
    await until(() => receiver.notices.some(({ text }) => text.includes('next try')));
    await rename(`${place}.gone`, place);
    await receiver.stored(end);
    await receiver.stop();
    const ranges = contiguousRanges(await indexOf(repository, server), 1, []);
    expect(ranges).toHaveLength(1);
  }, 60_000);

  test('and a server that keeps more than it may: the slot is dropped, told, and the hole recorded', async () => {
    await using server = await startServer({ major: 17, walSegmentSizeMb: 1, settings });
    await server.query('CREATE TABLE t (a int)');
    const changes = { ack: 'repository', maxRetained: 4 * MIB, spoolLimit: 2 * MIB } as const;
    const [repository, receiver] = begin('protect', server, changes);
    await receiver.stored(await position(server));
    const place = join(scratch.path, 'protect');
    await rename(place, `${place}.gone`);
    await writeSegments(server, 15);
    await until(async () => (await server.query('SELECT 1 FROM pg_replication_slots')).length === 0);
    await writeSegments(server, 15);
    await rename(`${place}.gone`, place);
    await server.query('INSERT INTO t SELECT 1');
    await receiver.stored(await position(server));
    await receiver.stop();
    const { holes } = await indexOf(repository, server);
    expect(holes).toMatchObject([{ reason: 'slot-dropped' }]);
    expect(receiver.notices.some(({ text }) => text.includes('dropped to protect the server'))).toBe(true);
  }, 60_000);
});
