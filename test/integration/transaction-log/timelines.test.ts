import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { contiguousRanges, holesBetween } from '../../../src/repository/wal/continuity.ts';
import { pathTo, storedTimelines } from '../../../src/repository/wal/timeline-path.ts';
import { readWalIndex, type WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { makeScratch, repositoryAt, type Scratch, type TestRepository } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { copyData, promote, putBack } from '../../support/promotion.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

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

/** Nothing is missing on the way to the timeline, from the first stored byte to `end`. */
function expectWhole(index: WalIndex, timeline: number, end: bigint): void {
  const path = pathTo(index, timeline);
  const ranges = contiguousRanges(index, path.timeline, path.history);
  expect(ranges[0]?.start).toBeDefined();
  expect(holesBetween(ranges, ranges[0]?.start ?? 0n, end)).toEqual([]);
}

test('three switches in a row are followed without a hole, histories first', async () => {
  await using server = await startServer({ major: 17, walSegmentSizeMb: 1 });
  const repository = repositoryAt(join(scratch.path, 'switches'));
  const receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch.path, 'switches-spool'),
  });
  await server.query('CREATE TABLE t (a int)');
  await receiver.stored(await position(server));
  for (let timeline = 2; timeline <= 4; timeline++) {
    await server.query('INSERT INTO t SELECT generate_series(1, 30000)');
    await server.halt();
    await promote(server);
    await server.query('INSERT INTO t SELECT 1');
    await receiver.stored(await position(server));
  }
  await receiver.stop();
  const index = await indexOf(repository, server);
  expect(storedTimelines(index)).toEqual([1, 2, 3, 4]);
  expect([...index.histories.keys()].sort()).toEqual([2, 3, 4]);
  expectWhole(index, 4, await position(server));
}, 90_000);

test('a switch below what was received leaves the old end a dead one, and the next timeline need not be the next number', async () => {
  await using server = await startServer({ major: 18, walSegmentSizeMb: 1 });
  const repository = repositoryAt(join(scratch.path, 'below'));
  const receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch.path, 'below-spool'),
  });
  await server.query('CREATE TABLE t (a int)');
  await receiver.stored(await position(server));
  await server.halt();
  const copy = join(scratch.path, 'older');
  await copyData(server, copy);
  await server.restart();
  await server.query('INSERT INTO t SELECT generate_series(1, 50000)');
  const ahead = await position(server);
  await receiver.stored(ahead);
  await server.halt();
  await putBack(server, copy, join(scratch.path, 'ahead'));
  await promote(server);
  expect(await position(server)).toBeLessThan(ahead);
  await server.query('INSERT INTO t SELECT generate_series(1, 100)');
  await server.halt();
  await promote(server);
  await server.query('INSERT INTO t SELECT generate_series(1, 100)');
  const end = await position(server);
  // by position alone it was there already: what counts is the new timeline
  while (receiver.status().timeline !== 3) await delay(20);
  await receiver.stored(end);
  await receiver.stop();
  const index = await indexOf(repository, server);
  expectWhole(index, 3, end);
  const dead = contiguousRanges(index, 1, []).at(-1)?.end;
  expect(dead).toBeGreaterThanOrEqual(ahead);
}, 90_000);
