import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeScratch, repositoryAt, type Scratch } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver, type ReceiverChanges } from '../../support/wal-receiver.ts';

const MIB = 1024 * 1024;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

function begin(name: string, server: TestServer, changes: ReceiverChanges) {
  return startReceiver(repositoryAt(join(scratch.path, name)), {
    connection: server.connection,
    spool: join(scratch.path, `${name}-spool`),
    changes,
  });
}

async function position(server: TestServer): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

/** A server that does not end in order within the patience of the support is ended the hard way. */
async function expectCleanEnd(server: TestServer): Promise<void> {
  await server.halt();
  const log = await readFile(server.logFile, 'utf8');
  expect(log).toContain('database system is shut down');
  expect(log).not.toContain('immediate shutdown');
}

describe('a server is shut down in order', () => {
  test('while what it waits for is acknowledged only once it is stored', async () => {
    await using server = await startServer({ major: 16, walSegmentSizeMb: 1 });
    // the tails that come by the clock would be too late
    await using receiver = begin('stored', server, { ack: 'repository', tailInterval: 600_000 });
    await server.query('CREATE TABLE t (a int)');
    await until(async () => (await server.query('SELECT 1 FROM pg_stat_replication')).length > 0);
    await server.query('INSERT INTO t VALUES (1)');
    const end = await position(server);
    await until(() => (receiver.status().received ?? 0n) >= end);
    expect(receiver.status().durable ?? 0n).toBeLessThan(end);
    await expectCleanEnd(server);
    expect(receiver.status().durable).toBeGreaterThanOrEqual(end);
  }, 60_000);

  test.each(['spool', 'repository'] as const)(
    'while the repository is away and the receiver takes nothing more (ack: %s)',
    async (ack) => {
      await using server = await startServer({ major: 17, walSegmentSizeMb: 1 });
      await server.query('CREATE TABLE t (a int)');
      await using receiver = begin(`away-${ack}`, server, {
        ack,
        spoolLimit: ack === 'spool' ? MIB : 64 * MIB,
      });
      await receiver.stored(await position(server));
      const place = join(scratch.path, `away-${ack}`);
      await rename(place, `${place}.gone`);
      for (let segment = 0; segment < 5; segment++) {
        await server.query('INSERT INTO t SELECT generate_series(1, 100)');
        await server.query('SELECT pg_switch_wal()');
      }
      await expectCleanEnd(server);
      await rename(`${place}.gone`, place);
    },
    60_000,
  );
});
