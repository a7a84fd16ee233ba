import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import { readProcessIdentity } from '../../../src/process-identity.ts';
import { sealLog, type Sealed } from '../../../src/transaction-log/seal.ts';
import {
  failureOf,
  makeScratch,
  objectsOf,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { requestOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;
beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({ major: 15, walSegmentSizeMb: 1 });
  await server.query('CREATE TABLE t (a int)');
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const place = () => ({ connection: server.connection, spool: join(scratch.path, 'spool') });

function seal(): Promise<Sealed> {
  const context = {
    clock: systemClock,
    processIdentity: readProcessIdentity(),
    signal: new AbortController().signal,
    onNotice: () => undefined,
    onStatus: () => undefined,
  };
  return sealLog(requestOf(repository, place()), context, { limit: 20_000, larderVersion: 'test' });
}

async function segments(): Promise<string[]> {
  return (await objectsOf(repository)).filter((name) => /\/[0-9A-F]{24}$/.test(name));
}

test('a seal stores what was written since the last one, with a receiver of its own or beside one, and names what is missing', async () => {
  await server.query('INSERT INTO t VALUES (1)');
  const first = await seal();
  expect(first.record.gaps).toEqual([]);
  expect(first.record.segments).toBeGreaterThan(0);
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  expect(first.record.to).toBe(row?.['lsn']);

  // an idle server has nothing to seal
  const second = await seal();
  expect(second.record).toMatchObject({ from: first.record.to, to: first.record.to, segments: 0 });
  expect(second.name > first.name).toBe(true);

  await using receiver = startReceiver(repository, place());
  await server.query('INSERT INTO t VALUES (2)');
  const third = await seal();
  expect(third.record).toMatchObject({ from: first.record.to, segments: 1, gaps: [] });
  await receiver.stop();

  await server.query('INSERT INTO t VALUES (3)');
  await server.query('SELECT pg_switch_wal()');
  await server.query('INSERT INTO t VALUES (4)');
  await using again = startReceiver(repository, place());
  await again.stored((parseLsn(third.record.to) ?? 0n) + BigInt(1024 * 1024));
  await rm(join(repository.location.directory, (await segments()).at(-1)!));
  const failure = await failureOf(seal());
  expect(failure).toMatchObject({ code: 'WAL_GAP' });
  expect(failure.message).toContain(
    `from ${third.record.to} to ${formatLsn((parseLsn(third.record.to) ?? 0n) + BigInt(1024 * 1024))}`,
  );
  // the record of it stays: the next seal begins behind it
  expect((await seal()).record.gaps).toEqual([]);
}, 60_000);
