import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeepOut } from '../../../src/restore/tablespaces/foreign-places.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { TablespaceGuard } from '../../../src/restore/tablespaces/tablespace-guard.ts';
import { arbitraryWalLog } from '../../support/arbitrary-wal-log.ts';
import { makeScratch, type Scratch } from '../../support/backup-runner.ts';
import { WalLog, type RecordContent } from '../../support/wal-log.ts';
import { main, u32 } from '../../support/wal-record-parts.ts';

const SEGMENT = 1024 * 1024;
const LAYOUT = { start: BigInt(SEGMENT) * 3n, segmentSize: SEGMENT, blockSize: 8192 };
/** Header, the length of the data, and the page's own header behind the segment's end. */
const SHORTEST = 24;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

function creationOf(location: string): RecordContent {
  const data = main(Buffer.concat([u32(16400), Buffer.from(`${location}\0`)]));
  return { resourceManager: 5, info: 0, transaction: 9, data };
}

const filler = (length: number): RecordContent => ({
  resourceManager: 10,
  info: 0x20,
  transaction: 9,
  data: Buffer.alloc(length, 3),
});

function guardAt(number: number, keepOut: KeepOut): TablespaceGuard {
  const start = LAYOUT.start + BigInt(number * SEGMENT);
  return new TablespaceGuard({ start, segmentSize: SEGMENT, dataDirectory: scratch.path, keepOut });
}

/** A log in which the record that makes a tablespace begins so many bytes before the end of the first segment. */
function logWith(location: string, bytesBefore: number): Buffer {
  const log = new WalLog(LAYOUT);
  while (log.bytes.length < SEGMENT - 16_384) log.add(filler(4000));
  while (SEGMENT - log.bytes.length > bytesBefore + 256) log.add(filler(64));
  const rest = SEGMENT - log.bytes.length - bytesBefore;
  if (rest > 0) log.add(filler(rest - SHORTEST));
  expect(SEGMENT - log.bytes.length).toBe(bytesBefore);
  log.add(creationOf(location));
  for (let i = 0; i < 5; i++) log.add(filler(300));
  return Buffer.concat([log.bytes, Buffer.alloc(2 * SEGMENT - log.bytes.length)]);
}

describe('a log that makes a tablespace', () => {
  test.each(Array.from({ length: 24 }, (_, i) => 8 * (i + 1)))(
    'is found where the record begins %i bytes before the end of a segment',
    async (bytesBefore) => {
      const log = logWith('/mnt/fast', bytesBefore);
      const guard = guardAt(0, 'everything');
      let refusal = await guard.look(log.subarray(0, SEGMENT));
      // as whoever fetches one segment does
      if (refusal === undefined && guard.isUndecided()) refusal = await guard.look(log.subarray(SEGMENT));
      expect(refusal).toMatchObject({
        at: LAYOUT.start + BigInt(SEGMENT - bytesBefore),
        error: { code: 'RESTORE_REFUSED' },
      });
      expect(refusal?.error.message).toContain('tablespace 16400 in /mnt/fast');
      expect(refusal?.error.hint).toMatch(/--target-lsn 0\/3[0-9A-F]+$/);
    },
  );

  test('is undecided only where such a record, or one of which too little is known, goes on in the next segment', async () => {
    const log = new WalLog(LAYOUT);
    while (log.bytes.length <= SEGMENT) log.add(filler(4000));
    const guard = guardAt(0, 'everything');
    expect(await guard.look(log.bytes.subarray(0, SEGMENT))).toBeUndefined();
    expect(guard.isUndecided()).toBe(false);
  });

  test('may make it where no server has its files', async () => {
    const free = join(scratch.path, 'free');
    await mkdir(free);
    for (const location of [free, join(scratch.path, 'nowhere'), '']) {
      const log = logWith(location, 4096);
      expect(await guardAt(0, 'occupied').look(log)).toBeUndefined();
    }
    await mkdir(join(free, 'PG_18_202506291'));
    const refusal = await guardAt(0, 'occupied').look(logWith(free, 4096));
    expect(refusal?.error.message).toContain(`${free}, where a server has its files`);
  });

  test('may make it before what the copy replays', async () => {
    const data = join(scratch.path, 'data');
    await mkdir(data);
    const start = LAYOUT.start + BigInt(SEGMENT);
    for (const name of ['backup_label.old', 'backup_label']) {
      await writeFile(join(data, name), `START WAL LOCATION: ${formatLsn(start - 8n)} (file 0)\n`);
      const guard = () =>
        new TablespaceGuard({
          start: LAYOUT.start,
          segmentSize: SEGMENT,
          dataDirectory: data,
          keepOut: 'everything',
        });
      expect(await guard().look(logWith('/mnt/fast', 64))).toBeUndefined();
      expect(await guard().look(logWith('/mnt/fast', 8))).toMatchObject({ at: start - 8n });
      await rm(join(data, name));
    }
  });

  test('is not seen in logs of other records, whatever their bytes', () => {
    const others = arbitraryWalLog(LAYOUT).filter(({ records }) =>
      records.every(({ resourceManager }) => resourceManager !== 5),
    );
    return fc.assert(
      fc.asyncProperty(others, async (log) => {
        const guard = guardAt(0, 'everything');
        for (let at = 0; at < log.bytes.length; at += 100_000)
          expect(await guard.look(log.bytes.subarray(at, at + 100_000))).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
});
