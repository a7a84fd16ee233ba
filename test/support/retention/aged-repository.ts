import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import { chainOf } from '../../../src/repository/backup-chain.ts';
import { readCatalogue } from '../../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { readArchiveState } from '../../../src/verify/archive-state.ts';
import { backUp, repositoryAt, type TestRepository } from '../backup-runner.ts';
import { startServer, type TestServer } from '../postgres-server.ts';
import { clockAt } from './prune-aged.ts';
import { lsnOf, startReceiver, type RunningReceiver } from '../wal-receiver.ts';

const run = promisify(execFile);

/**
 * The days of the backups, in a century in which all that is stored now is old: what the store itself says of times is of
 * today. Of January the first stays for its month, the others go; February's chain is the newest.
 */
const DAYS = {
  january: '2100-01-01',
  januaryNext: '2100-01-02',
  januaryLast: '2100-01-03',
  second: '2100-01-10',
  third: '2100-01-11',
  thirdNext: '2100-01-12',
  february: '2100-02-20',
  februaryNext: '2100-02-24',
} as const;

export type AgedBackup = keyof typeof DAYS;

/** A repository with two months of backups and every byte of the log, and the server it is of. */
export interface AgedRepository extends AsyncDisposable {
  readonly server: TestServer;
  readonly receiver: RunningReceiver;
  readonly repository: TestRepository;
  readonly backups: Readonly<Record<AgedBackup, CommitRecord>>;
  /** Rows of the table `t` at the end of each backup. */
  readonly rows: Readonly<Record<AgedBackup, number>>;
  /** Inserts a row, switches the segment, and waits until that is stored; how many rows there are. */
  write(): Promise<number>;
}

export async function buildAgedRepository(scratch: string): Promise<AgedRepository> {
  const repository = repositoryAt(join(scratch, 'backups'));
  const server = await startServer({ major: 17, walSegmentSizeMb: 1 });
  await server.query('CREATE TABLE t (a int)');
  await backUp(repository, server.connection, { clock: clockAt('2099-12-31T02:00:00Z') });
  const receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch, 'spool'),
  });
  let count = 0;
  const write = async (): Promise<number> => {
    await server.query('INSERT INTO t VALUES (1)');
    const [row] = await server.query('SELECT pg_switch_wal()::text AS lsn');
    await receiver.stored(lsnOf(row?.['lsn']));
    return ++count;
  };
  const backups: Partial<Record<AgedBackup, CommitRecord>> = {};
  const rows: Partial<Record<AgedBackup, number>> = {};
  for (const [name, day] of Object.entries(DAYS) as [AgedBackup, string][]) {
    const type = /Next|Last/.test(name) ? 'incremental' : 'full';
    rows[name] = await write();
    backups[name] = await backUp(repository, server.connection, { type, clock: clockAt(`${day}T02:00:00Z`) });
    await write();
  }
  return {
    server,
    receiver,
    repository,
    backups: backups as Record<AgedBackup, CommitRecord>,
    rows: rows as Record<AgedBackup, number>,
    write,
    [Symbol.asyncDispose]: async () => {
      await receiver.stop();
      await server.stop();
    },
  };
}

/** A repository of the same objects: they never change, so links will do. */
export async function linkedCopy({ location }: TestRepository, directory: string): Promise<TestRepository> {
  await run('cp', ['--archive', '--link', location.directory, directory]);
  return repositoryAt(directory);
}

/** Fails unless every backup there is has all of its objects and its chain, and nothing of the log is missing. */
export async function expectSound({ store }: TestRepository): Promise<string[]> {
  const { backups, unreadable } = await readCatalogue(store);
  expect(unreadable).toEqual([]);
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  for (const backup of backups) {
    expect(chainOf(backup, byId)).toBeDefined();
    for (const { name, size } of backup.objects) expect(await store.stat(name)).toMatchObject({ name, size });
  }
  const signal = new AbortController().signal;
  const { problems } = await readArchiveState(store, { read: false, signal, onProgress: () => undefined });
  expect(problems.map(({ message }) => message)).toEqual([]);
  return backups.map(({ id }) => id);
}
