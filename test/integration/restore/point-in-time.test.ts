import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { walSegmentObject } from '../../../src/repository/wal/wal-layout.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { majors, startServer, type TestServer } from '../../support/postgres-server.ts';
import { rollForward } from '../../support/rolled-forward.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

const SIZES = { 15: 16, 16: 64, 17: 1, 18: 1 } as const;
const BATCHES = 12;

interface Batch {
  id: number;
  xid: string;
  time: string;
  lsn: string;
}

interface Bed {
  server: TestServer;
  repository: TestRepository;
  batches: Batch[];
}

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

/** A backup, then transactions of which it is known when each was committed; the log of all is stored. */
async function prepare(major: (typeof majors)[number], name = 'targets'): Promise<Bed> {
  const server = await startServer({
    major,
    walSegmentSizeMb: SIZES[major],
    settings: { track_commit_timestamp: 'on' },
  });
  const repository = repositoryAt(join(scratch.path, `${name}-backups-${major}`));
  await using receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch.path, `${name}-spool-${major}`),
  });
  await server.query('CREATE TABLE batches (id int PRIMARY KEY, filler text)');
  await backUp(repository, server.connection);
  const batches: Batch[] = [];
  for (let id = 1; id <= BATCHES; id++) {
    const [row] = await server.query(
      `INSERT INTO batches SELECT ${id}, string_agg(md5(g::text), '') FROM generate_series(1, 3000) g
       RETURNING pg_current_xact_id()::text AS xid`,
    );
    const xid = String(row?.['xid']);
    const [found] = await server.query(`${commitTime(xid)}, pg_current_wal_insert_lsn()::text AS lsn`);
    batches.push({ id, xid, time: String(found?.['time']), lsn: String(found?.['lsn']) });
    if (id === 6) await server.query("SELECT pg_create_restore_point('half way')");
    if (id % 4 === 0) await server.query('SELECT pg_switch_wal()');
  }
  const [end] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  await receiver.stored(lsnOf(end?.['lsn']));
  await receiver.stop();
  return { server, repository, batches };
}

function commitTime(xid: string): string {
  return `SELECT to_char(pg_xact_commit_timestamp('${xid}'::xid) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS time`;
}

async function restored(repository: TestRepository, options: Parameters<typeof rollForward>[1]) {
  await using copy = await rollForward(repository, options);
  const rows = await copy.query('SELECT id FROM batches ORDER BY id');
  return rows.map((row) => Number(row['id']));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe.each(majors)('PostgreSQL %i is restored', (major) => {
  let bed: Bed | undefined;
  beforeAll(async () => {
    bed = await prepare(major);
  }, 60_000);
  afterAll(async () => bed?.server.stop());
  const batch = (id: number): Batch => bed!.batches[id - 1]!;

  test('to the end of the archive, when nothing else is asked for, with the commit times that were kept', async () => {
    await using copy = await rollForward(bed!.repository, {});
    const rows = await copy.query('SELECT id FROM batches ORDER BY id');
    expect(rows.map((row) => Number(row['id']))).toEqual(upTo(BATCHES));
    const [row] = await copy.query(commitTime(batch(5).xid));
    expect(row?.['time']).toBe(batch(5).time);
  }, 60_000);

  test('to a time, with and without the transaction of that microsecond', async () => {
    expect(await restored(bed!.repository, { targetTime: batch(7).time })).toEqual(upTo(7));
    expect(await restored(bed!.repository, { targetTime: batch(7).time, exclusive: true })).toEqual(upTo(6));
  }, 60_000);

  test('to a transaction, a name, a position, and its own end', async () => {
    expect(await restored(bed!.repository, { targetXid: batch(3).xid })).toEqual(upTo(3));
    expect(await restored(bed!.repository, { targetName: 'half way' })).toEqual(upTo(6));
    expect(await restored(bed!.repository, { targetLsn: batch(9).lsn, exclusive: true })).toEqual(upTo(9));
    expect(await restored(bed!.repository, { immediate: true })).toEqual([]);
  }, 90_000);

  test('is refused where the archive does not reach', async () => {
    const { repository } = bed!;
    const far = await failureOf(restored(repository, { targetTime: '2099-01-01 00:00Z' }));
    expect(far).toMatchObject({ code: 'RESTORE_REFUSED' });
    expect(far.hint).toContain('nearest point');
    expect(await failureOf(restored(repository, { targetXid: '999999' }))).toMatchObject({
      code: 'RESTORE_REFUSED',
    });
    expect(await failureOf(restored(repository, { targetTime: '2001-01-01 00:00Z' }))).toMatchObject({
      code: 'RESTORE_REFUSED',
    });
  }, 60_000);
});

test('a damaged or missing segment is named, and nothing shorter is ever restored', async () => {
  const { server, repository } = await prepare(18, 'damage');
  try {
    const [row] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
    const record = await readArchiveRecord(repository.store, String(row?.['id']));
    if (record === undefined) throw new Error('there is no archive');
    const index = await readWalIndex(repository.store, record);
    const [, , third] = [...index.segments].sort((a, b) => (a.number < b.number ? -1 : 1)).slice(-4);
    const object = walSegmentObject(record.systemIdentifier, third!, record.segmentSize);
    const path = join(repository.location.directory, object);
    const whole = await readFile(path);
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(whole.length >> 1) ^ 0x10, whole.length >> 1);
    for (const damage of [
      () => writeFile(path, flipped),
      () => truncate(path, whole.length >> 1),
      () => writeFile(path, Buffer.alloc(whole.length)),
      () => rm(path),
    ]) {
      await damage();
      // a store keeps files open that never change: whoever looks anew is another process
      const failure = await failureOf(restored(repositoryAt(repository.location.directory), {}));
      expect(['OBJECT_DAMAGED', 'WAL_GAP']).toContain(failure.code);
      expect(failure.message).toContain(object.split('/').at(-1));
      await rm(path, { force: true });
      await writeFile(path, whole);
    }
    expect(await restored(repositoryAt(repository.location.directory), {})).toEqual(upTo(BATCHES));
  } finally {
    await server.stop();
  }
}, 120_000);
