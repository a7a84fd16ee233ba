import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { contiguousRanges } from '../../../src/repository/wal/continuity.ts';
import { readPosition } from '../../../src/repository/wal/received-position.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { makeScratch, repositoryAt, type Scratch, type TestRepository } from '../../support/backup-runner.ts';
import { majors, startServer, type TestServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

const SIZES = { 15: 1, 16: 64, 17: 16, 18: 16 } as const;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

async function systemOf(server: TestServer): Promise<string> {
  const [row] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
  return String(row?.['id']);
}

async function position(server: TestServer): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

async function indexOf(repository: TestRepository, server: TestServer) {
  const record = await readArchiveRecord(repository.store, await systemOf(server));
  if (record === undefined) throw new Error('there is no archive');
  return readWalIndex(repository.store, record);
}

describe.each(majors)('a receiver on PostgreSQL %i', (major) => {
  test('stores whole segments, the unfinished tail, and says when it has everything', async () => {
    await using server = await startServer({ major, walSegmentSizeMb: SIZES[major] });
    const repository = repositoryAt(join(scratch.path, `stores-${major}`));
    await using receiver = startReceiver(repository, {
      connection: server.connection,
      spool: join(scratch.path, `spool-${major}`),
    });
    await server.query(
      'CREATE TABLE t AS SELECT g, repeat(md5(g::text), 3) FROM generate_series(1, 20000) g',
    );
    await server.query('SELECT pg_switch_wal()');
    await server.query('INSERT INTO t SELECT 1, 2');
    const end = await position(server);
    await receiver.stored(end);
    const index = await indexOf(repository, server);
    const ranges = contiguousRanges(index, 1, []);
    expect(ranges).toHaveLength(1);
    expect(ranges[0]?.end).toBeGreaterThanOrEqual(end);
    expect(index.segments.length).toBeGreaterThanOrEqual(1);
    await until(() => receiver.status().unprotectedSince === 0 && receiver.status().slot !== undefined);
    expect(receiver.status().slot?.walStatus).toBe('reserved');
    await until(async () => {
      const found = await readPosition(repository.store, await systemOf(server));
      return found?.complete !== undefined && found.stored >= end;
    });
  }, 60_000);
});

test('what one receiver had reached is not taken back by the next, which begins with the segment again', async () => {
  await using server = await startServer({ major: 17, walSegmentSizeMb: 16 });
  const repository = repositoryAt(join(scratch.path, 'next'));
  const spool = join(scratch.path, 'next-spool');
  const system = await systemOf(server);
  const start = () => startReceiver(repository, { connection: server.connection, spool });
  const first = start();
  await server.query('CREATE TABLE t (a int)');
  const end = await position(server);
  await first.stored(end);
  const complete = async () => (await readPosition(repository.store, system))?.complete !== undefined;
  await until(complete);
  await first.stop();
  const before = await readPosition(repository.store, system);
  expect(before?.stored).toBeGreaterThanOrEqual(end);
  await using second = start();
  await until(() => second.notices.some(({ text }) => text.includes('streaming WAL')));
  let after = before;
  await until(async () => {
    after = await readPosition(repository.store, system);
    return after?.updated !== before?.updated;
  });
  expect(after?.stored).toBeGreaterThanOrEqual(before?.stored ?? end);
  expect(after?.complete).toBeGreaterThanOrEqual(before?.complete ?? 0);
}, 60_000);
