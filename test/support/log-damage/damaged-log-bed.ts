import { join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { findArchive } from '../../../src/repository/wal/archive-record.ts';
import { pathTo } from '../../../src/repository/wal/timeline-path.ts';
import { readWalIndex, type WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { historyObject } from '../../../src/repository/wal/wal-layout.ts';
import { StoredLog } from '../../../src/restore/recovery/read-log.ts';
import { lsnOf as lsnOfRecord } from '../../../src/restore/recovery/reach.ts';
import { backUp, repositoryAt, type TestRepository } from '../backup-runner.ts';
import { startServer, type TestServer } from '../postgres-server.ts';
import { promote } from '../promotion.ts';
import { until } from '../until.ts';
import { lsnOf, startReceiver, type RunningReceiver } from '../wal-receiver.ts';

const MAJOR = 17;
/** Hexadecimal text of about a segment, which hardly shrinks. */
const SEGMENT_OF_ROWS = `INSERT INTO filled SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 250) g,
  generate_series(1, 100) r GROUP BY r`;

/** A repository with a backup and the log behind it, over two timelines; the server is gone. */
export interface DamagedLogBed {
  readonly repository: TestRepository;
  readonly backup: CommitRecord;
  readonly index: WalIndex;
  /** What holds the log behind the backup, in its order: whole segments, at last the tails of the unfinished one. */
  readonly objects: readonly string[];
  readonly history: string;
  /** Rows that are there when everything was replayed. */
  readonly rows: number;
}

/** Fills so many segments on each of two timelines. */
export async function prepareDamagedLog(directory: string, segments: number): Promise<DamagedLogBed> {
  const settings = { fsync: 'off', max_wal_size: '1GB' };
  await using server = await startServer({ major: MAJOR, walSegmentSizeMb: 1, settings });
  const repository = repositoryAt(join(directory, 'backups'));
  const spool = join(directory, 'spool');
  await using receiver = startReceiver(repository, { connection: server.connection, spool });
  await server.query('CREATE TABLE filled (filler text)');
  const backup = await backUp(repository, server.connection);
  await fill(server, receiver, segments);
  await server.halt();
  await promote(server);
  const listed = async (): Promise<WalIndex> => {
    const archive = await findArchive(repository.store, backup.systemIdentifier);
    if (archive === undefined) throw new Error('there is no archive');
    return readWalIndex(repository.store, archive);
  };
  await until(async () => (await listed()).histories.has(2));
  await fill(server, receiver, segments);
  const [row] = await server.query('SELECT count(*) FROM filled');
  await receiver.stop();
  const index = await listed();
  const history = historyObject(index.systemIdentifier, 2);
  const objects = await objectsBehind(repository, { index, backup });
  return { repository, backup, index, objects, history, rows: Number(row?.['count']) };
}

async function fill(server: TestServer, receiver: RunningReceiver, segments: number): Promise<void> {
  for (let filled = 0; filled < segments; filled++) await server.query(SEGMENT_OF_ROWS);
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  await receiver.stored(lsnOf(row?.['lsn']));
}

/** Those that who follows the newest timeline needs; the backup carries the rest of its own segment itself. */
async function objectsBehind(
  { store }: TestRepository,
  { index, backup }: { readonly index: WalIndex; readonly backup: CommitRecord },
): Promise<string[]> {
  const archive = await findArchive(store, backup.systemIdentifier);
  if (archive === undefined) throw new Error('there is no archive');
  const log = new StoredLog(store, { archive, index, path: pathTo(index, 2) });
  const size = BigInt(index.segmentSize);
  const from = (lsnOfRecord(backup.stopLsn) / size + 1n) * size;
  const end = ((index.received?.stored ?? 0n) / size + 1n) * size;
  return log.segments(from, end).flatMap(({ pieces }) => pieces.map(({ object }) => object));
}
