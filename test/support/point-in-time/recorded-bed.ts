import { join } from 'node:path';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import { readArchiveRecord } from '../../../src/repository/wal/archive-record.ts';
import { backUp, repositoryAt, type TestRepository } from '../backup-runner.ts';
import { startServer, type majors, type TestServer } from '../postgres-server.ts';
import { promote } from '../promotion.ts';
import { SeededRandom } from '../seeded-random.ts';
import { until } from '../until.ts';
import { lsnOf, startReceiver, type RunningReceiver } from '../wal-receiver.ts';
import type { Earliest } from './random-targets.ts';
import {
  RecordedWorkload,
  WORKLOAD_SETTINGS,
  type CommittedTransaction,
  type WorkloadOptions,
} from './recorded-workload.ts';
import { readAccount, type ServerAccount } from './server-account.ts';

export interface BedOptions {
  readonly major: (typeof majors)[number];
  readonly walSegmentSizeMb: number;
  /** The log goes on as a new timeline half way. */
  readonly promoted: boolean;
  /** Of the stored log; 0 stores it as it is. */
  readonly compressionLevel: number;
  /** Twice this. */
  readonly workload: WorkloadOptions;
}

/** A repository of two backups and the log behind them, and what is known of it otherwise. The server is gone. */
export interface RecordedBed {
  readonly options: BedOptions;
  readonly repository: TestRepository;
  readonly committed: readonly CommittedTransaction[];
  readonly account: ServerAccount;
  readonly earliest: Earliest;
}

/** Runs the workload twice, with a backup before it and one in its middle. */
export async function recordBed(directory: string, options: BedOptions, seed: number): Promise<RecordedBed> {
  const { major, walSegmentSizeMb, compressionLevel, promoted } = options;
  await using server = await startServer({ major, walSegmentSizeMb, settings: WORKLOAD_SETTINGS });
  const repository = repositoryAt(join(directory, 'backups'));
  await using receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(directory, 'spool'),
    changes: { compressionLevel },
  });
  const workload = new RecordedWorkload(server, new SeededRandom(seed));
  await removeTemplates(server);
  await workload.prepare();
  const backup = await backUp(repository, server.connection);
  await Promise.all([workload.run(options.workload), backUp(repository, server.connection)]);
  if (promoted) await goOnAsNewTimeline(server, { repository, receiver });
  await workload.run(options.workload);
  const account = await readAccount(server, backup.stopLsn);
  await receiver.stored(await flushed(server));
  await receiver.stop();
  const earliest = { lsn: lsnOf(backup.stopLsn), time: BigInt(Date.parse(backup.endTime)) * 1000n };
  return { options, repository, committed: workload.committed, account, earliest };
}

/** Two thirds of the files, which every restore would write. */
async function removeTemplates(server: TestServer): Promise<void> {
  for (const template of ['template1', 'template0']) {
    await server.query(`ALTER DATABASE ${template} IS_TEMPLATE false`);
    await server.query(`DROP DATABASE ${template}`);
  }
}

/** By position alone the log would seem to be there: what counts is that the receiver has followed. */
async function goOnAsNewTimeline(
  server: TestServer,
  { repository, receiver }: { repository: TestRepository; receiver: RunningReceiver },
): Promise<void> {
  const [row] = await server.query('SELECT system_identifier::text AS id FROM pg_control_system()');
  await receiver.stored(await flushed(server));
  await server.halt();
  await promote(server);
  const record = await readArchiveRecord(repository.store, String(row?.['id']));
  if (record === undefined) throw new Error('there is no archive');
  await until(async () => (await readWalIndex(repository.store, record)).histories.has(2));
}

async function flushed(server: TestServer): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}
