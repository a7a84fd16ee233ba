import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { findArchive } from '../../../src/repository/wal/archive-record.ts';
import { readWalIndex } from '../../../src/repository/wal/wal-index.ts';
import type { TargetOptions } from '../../../src/restore/recovery/parse-target.ts';
import {
  backUp,
  makeScratch,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer } from '../../support/postgres-server.ts';
import { promote } from '../../support/promotion.ts';
import { rollForward } from '../../support/rolled-forward.ts';
import { until } from '../../support/until.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

/**
 * A transaction that is prepared and neither committed nor rolled back, then row 1, then a switch of timelines within the
 * same segment, then row 2.
 * @returns the transaction that made row 1
 */
async function prepare(repository: TestRepository, major: 15 | 18): Promise<string> {
  const settings = { max_prepared_transactions: '5' };
  await using server = await startServer({ major, walSegmentSizeMb: 16, settings });
  const spool = join(scratch.path, `spool-${major}`);
  await using receiver = startReceiver(repository, { connection: server.connection, spool });
  await server.query('CREATE TABLE kept (id int)');
  const { systemIdentifier } = await backUp(repository, server.connection);
  await server.query("BEGIN; INSERT INTO kept VALUES (0); PREPARE TRANSACTION 'open'");
  const [row] = await server.query('INSERT INTO kept VALUES (1) RETURNING pg_current_xact_id()::text AS xid');
  await server.halt();
  await promote(server);
  await until(async () => {
    const archive = await findArchive(repository.store, systemIdentifier);
    return archive !== undefined && (await readWalIndex(repository.store, archive)).histories.has(2);
  });
  await server.query('INSERT INTO kept VALUES (2)');
  const [end] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  await receiver.stored(lsnOf(end?.['lsn']));
  await receiver.stop();
  return String(row?.['xid']);
}

describe.each([15, 18] as const)('a transaction that was prepared on PostgreSQL %i', (major) => {
  test('is still open in a copy, on either side of a switch of timelines, and can be committed there', async () => {
    const repository = repositoryAt(join(scratch.path, `backups-${major}`));
    const targetXid = await prepare(repository, major);
    const targets: [TargetOptions, number[]][] = [
      [{ targetXid }, [0, 1]],
      [{}, [0, 1, 2]],
    ];
    for (const [target, expected] of targets) {
      await using copy = await rollForward(repository, target);
      await copy.query("COMMIT PREPARED 'open'");
      const rows = await copy.query('SELECT id FROM kept ORDER BY id');
      expect(rows.map((row) => Number(row['id']))).toEqual(expected);
    }
  }, 90_000);
});
