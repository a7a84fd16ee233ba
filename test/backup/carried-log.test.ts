import { expect, test } from '@jest/globals';
import { CarriedLog } from '../../src/backup/carried-log.ts';
import { segmentName } from '../../src/postgres/wal-segment.ts';
import { WalLog, type RecordContent } from '../support/wal-log.ts';
import { main, u32 } from '../support/wal-record-parts.ts';

const SEGMENT = 1024 * 1024;

function creationOf(oid: number, location: string): RecordContent {
  const data = main(Buffer.concat([u32(oid), Buffer.from(`${location}\0`)]));
  return { resourceManager: 5, info: 0, transaction: 9, data };
}

test('the tablespaces that a backup’s log makes are those behind its start, in whatever segment', () => {
  const filler: RecordContent = { resourceManager: 10, info: 0, transaction: 9, data: Buffer.alloc(4000, 3) };
  const log = new WalLog({ start: BigInt(SEGMENT) * 3n, segmentSize: SEGMENT, blockSize: 8192 });
  log.add(creationOf(1, '/before'));
  log.add(filler);
  log.add(creationOf(2, '/behind'));
  while (log.bytes.length < SEGMENT + 8000) log.add(filler);
  log.add(creationOf(3, '/later'));
  const carried = new CarriedLog(SEGMENT, 17);
  for (const number of [3n, 4n]) {
    carried.fileStart(`pg_wal/${segmentName({ timeline: 1, number }, SEGMENT)}`);
    const from = Number(number - 3n) * SEGMENT;
    carried.fileBytes(log.bytes, from, Math.min(from + SEGMENT, log.bytes.length));
  }
  const [first, , second] = log.records;
  const stop = log.records.at(-1)!.end;
  const places = (start: bigint) =>
    carried.madeTablespaces(start, stop)?.map(({ oid, location }) => [oid, location]);
  expect(places(first!.end)).toEqual([
    [2, '/behind'],
    [3, '/later'],
  ]);
  expect(places(second!.start)).toHaveLength(2);
  expect(places(second!.end)).toEqual([[3, '/later']]);
  // not read so far, or not at all, or by a reader that does not know the version: nobody knows
  expect(carried.madeTablespaces(first!.start, stop + 8n)).toBeUndefined();
  expect(new CarriedLog(SEGMENT, 17).madeTablespaces(0n, 0n)).toBeUndefined();
  const unread = new CarriedLog(SEGMENT, 18);
  unread.fileStart(`pg_wal/${segmentName({ timeline: 1, number: 3n }, SEGMENT)}`);
  unread.fileBytes(log.bytes, 0, SEGMENT);
  expect(unread.madeTablespaces(first!.start, second!.end)).toBeUndefined();
});
