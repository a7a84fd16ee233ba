import { describe, expect, test } from '@jest/globals';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { openInstanceSession, type InstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { readRestorePoint, type RestorePoint } from '../../../src/postgres/wal-restore-point.ts';
import type { WalRecord } from '../../../src/postgres/wal-record.ts';
import { WalRecordReader } from '../../../src/postgres/wal-records.ts';
import { parseSegmentName, segmentAt, segmentName } from '../../../src/postgres/wal-segment.ts';
import { readTransactionEnd, type TransactionEnd } from '../../../src/postgres/wal-transactions.ts';
import { majors, startServer, type TestServer } from '../../support/postgres-server.ts';

const MIB = 1024 * 1024;
const settings = {
  max_prepared_transactions: '4',
  track_commit_timestamp: 'on',
  autovacuum: 'off',
  wal_keep_size: '1GB',
};

const cases = majors.flatMap((major) => [1, 16].map((megabytes) => ({ major, megabytes })));

describe.each([...cases, { major: 18 as const, megabytes: 64 }])(
  'the log of PostgreSQL $major in segments of $megabytes MiB',
  ({ major, megabytes }) => {
    test('holds the records that SQL tells of', async () => {
      await using server = await startServer({ major, walSegmentSizeMb: megabytes, settings });
      const told = await work(server);
      await server.halt();
      const read = await readLog(server, { segmentSize: megabytes * MIB, check: 'crc', piece: 100_003 });
      expect(read.ends).toEqual(expect.arrayContaining(told.commits));
      const aborts = read.ends.filter(({ kind }) => kind === 'abort');
      expect(aborts.map(({ transaction }) => transaction)).toEqual(told.aborts);
      expect(read.restorePoints).toEqual(told.restorePoints);
      expect(read.switches).toEqual(told.switches);
      expect(read.records.map(({ start }) => start)).toContain(told.position);
      expect(Math.max(...read.records.map(({ length }) => length))).toBeGreaterThan(3_000_000);

      // nothing is lost between two files or two pieces, and the checksums only check
      const again = await readLog(server, {
        segmentSize: megabytes * MIB,
        check: 'headers',
        piece: 64 * MIB,
      });
      expect(again).toEqual(read);

      // the last record is what the server calls its last checkpoint
      await server.restart();
      const checkpoint = await lsn(server, 'SELECT checkpoint_lsn FROM pg_control_checkpoint()');
      expect(read.last?.start).toBe(checkpoint);
      expect(read.end).toEqual({ position: read.last?.end, reason: 'zeros' });
    }, 120_000);
  },
);

test.each(majors)(
  'a record of PostgreSQL %i that a crash cut off is passed over',
  async (major) => {
    await using server = await startServer({ major, settings });
    await server.query('CREATE TABLE t (a int); SELECT pg_switch_wal()');
    await server.query(
      `INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(false, '', repeat('a', 50000))`,
    );
    await server.kill();
    const reading = { segmentSize: 16 * MIB, check: 'crc', piece: MIB } as const;
    const before = await readLog(server, reading);
    const lost = before.records.findLast(({ length }) => length > 50_000)!;
    await tear(server, lost.start);
    const torn = await readLog(server, reading);
    expect(torn.end).toEqual({ position: lost.start, reason: 'zeros' });
    expect(torn.records).toEqual(before.records.filter(({ start }) => start < lost.start));

    await server.restart();
    await server.query('INSERT INTO t VALUES (2)');
    await server.halt();
    const after = await readLog(server, reading);
    expect(after.records.slice(0, torn.records.length)).toEqual(torn.records);
    const next = after.records[torn.records.length]!;
    expect(next).toMatchObject({ resourceManager: 0, info: XLOG_OVERWRITE_CONTRECORD });
    expect(next.start).toBe(nextPage(lost.start) + 24n);
    expect(after.end).toEqual({ position: after.last?.end, reason: 'zeros' });
  },
  60_000,
);

const XLOG_OVERWRITE_CONTRECORD = 0xd0;
const PAGE = 8192n;

function nextPage(position: bigint): bigint {
  return (position / PAGE + 1n) * PAGE;
}

/** Makes zeros of what stands behind the page in which this record begins, as if it had never reached the disk. */
async function tear(server: TestServer, start: bigint): Promise<void> {
  const size = BigInt(16 * MIB);
  const path = join(server.dataDirectory, 'pg_wal', segmentName(segmentAt(1, start, 16 * MIB), 16 * MIB));
  await using file = await open(path, 'r+');
  const from = Number(nextPage(start) % size);
  await file.write(Buffer.alloc(16 * MIB - from), 0, 16 * MIB - from, from);
}

async function lsn(session: Pick<InstanceSession, 'query'>, text: string): Promise<bigint> {
  const [row] = await session.query(text);
  return parseLsn(String(Object.values(row!)[0]))!;
}

/** Writes records of many kinds and lengths, and asks the server where and when they were written. */
async function work(server: TestServer) {
  await using session = await openInstanceSession(server.connection);
  const writer = new Writer(session);
  await session.query('CREATE TABLE t (a text); CREATE TABLE gone (a text)');
  await writer.transact(`INSERT INTO t SELECT repeat('x', 500) FROM generate_series(1, 3000)`, 'COMMIT');
  await writer.restorePoint('before the switch');
  await writer.switch();
  await writer.transact(`INSERT INTO t VALUES ('no')`, 'ROLLBACK');
  await writer.transact(`COPY t FROM PROGRAM 'seq 1 30000'`, 'COMMIT');
  // full images of the pages that change first
  await session.query('CHECKPOINT');
  await writer.transact(`UPDATE t SET a = a || 'y' WHERE length(a) > 100`, 'COMMIT');
  await writer.transact(`SELECT pg_logical_emit_message(true, 'test', repeat('larder', 600000))`, 'COMMIT');
  // every optional part that stands before a prepared transaction: subtransactions, relations, statistics, messages
  const parts = `SAVEPOINT s; INSERT INTO t VALUES ('a'); SAVEPOINT r; CREATE TABLE new (a int); DROP TABLE gone`;
  await writer.transact(parts, `PREPARE TRANSACTION 'one'; ROLLBACK PREPARED 'one'`);
  await writer.transact(parts, `PREPARE TRANSACTION 'two'; COMMIT PREPARED 'two'`);
  for (let i = 0; i < 20; i++) await writer.transact(`INSERT INTO t VALUES ('${i}')`, 'COMMIT');
  await writer.switch();
  await writer.restorePoint('äöü');
  const { commits, aborts, restorePoints, switches } = writer;
  const position = await lsn(session, 'SELECT pg_current_wal_insert_lsn()');
  return { commits, aborts, restorePoints, switches, position };
}

class Writer {
  readonly commits: TransactionEnd[] = [];
  readonly aborts: number[] = [];
  readonly restorePoints: { name: string; end: bigint }[] = [];
  readonly switches: bigint[] = [];
  readonly #session: InstanceSession;

  constructor(session: InstanceSession) {
    this.#session = session;
  }

  async transact(text: string, end: string): Promise<void> {
    const [row] = await this.#session.query(`BEGIN; ${text}; SELECT txid_current()::text AS id`);
    const transaction = Number(row!['id']);
    for (const statement of end.split('; ')) await this.#session.query(statement);
    if (end.includes('ROLLBACK')) {
      this.aborts.push(transaction);
      return;
    }
    const [at] = await this.#session.query(
      `SELECT (extract(epoch FROM pg_xact_commit_timestamp('${transaction}'::xid)) * 1000000)::bigint::text AS time`,
    );
    this.commits.push({ kind: 'commit', transaction, time: BigInt(String(at!['time'])) });
  }

  async restorePoint(name: string): Promise<void> {
    this.restorePoints.push({
      name,
      end: await lsn(this.#session, `SELECT pg_create_restore_point('${name}')`),
    });
  }

  async switch(): Promise<void> {
    this.switches.push(await lsn(this.#session, 'SELECT pg_switch_wal()'));
  }
}

interface Reading {
  readonly segmentSize: number;
  readonly check: 'crc' | 'headers';
  /** Bytes pushed at a time. */
  readonly piece: number;
}

/** Reads all that lies in the server's pg_wal. */
async function readLog(server: TestServer, { segmentSize, check, piece }: Reading) {
  const directory = join(server.dataDirectory, 'pg_wal');
  const names = (await readdir(directory)).filter((name) => parseSegmentName(name, segmentSize)).toSorted();
  const start = parseSegmentName(names[0]!, segmentSize)!.number * BigInt(segmentSize);
  const reader = new WalRecordReader({ start, segmentSize, check, major: server.major });
  const found = {
    ends: [] as TransactionEnd[],
    restorePoints: [] as { name: RestorePoint['name']; end: bigint }[],
    switches: [] as bigint[],
    records: [] as (Pick<WalRecord, 'start' | 'end' | 'resourceManager' | 'info'> & { length: number })[],
  };
  for (const name of names) {
    const bytes = await readFile(join(directory, name));
    for (let at = 0; at < bytes.length; at += piece) {
      for (const record of reader.push(bytes.subarray(at, at + piece))) {
        const { start: from, end: to, resourceManager, info } = record;
        const end = readTransactionEnd(record, server.major);
        if (end !== undefined) found.ends.push(end);
        const point = readRestorePoint(record);
        if (point !== undefined) found.restorePoints.push({ name: point.name, end: to });
        if (resourceManager === 0 && (info & 0xf0) === 0x40) found.switches.push(switchEnd(to));
        found.records.push({ start: from, end: to, resourceManager, info, length: record.bytes.length });
      }
    }
  }
  return { ...found, end: reader.end, last: reader.last };
}

/** What pg_switch_wal answers: at the end of a page it counts the next one's header (xlog.c, XLogInsertRecord). */
function switchEnd(end: bigint): bigint {
  return end % PAGE === 0n ? end + 24n : end;
}
