import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { BackupKills, supplyBackups } from '../../support/kills/backup-kills.ts';
import type { OperationSupply } from '../../support/kills/operation-process.ts';
import { openTestBed, type TestBed } from '../../support/kills/test-bed.ts';

/** A thousand of them in test/long/kill.test.ts. */
const KILLS = 45;
const PHASES = ['connecting', 'checkpoint', 'copying', 'committing', 'committed'];

describe('a backup that is killed at a random moment', () => {
  let bed: TestBed;
  let supply: OperationSupply;
  let kills: BackupKills;

  beforeAll(async () => {
    bed = await openTestBed();
    supply = supplyBackups(bed);
    kills = new BackupKills(bed, supply);
    await kills.prepare();
  }, 120_000);
  afterAll(async () => {
    await supply[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
  });

  test('leaves every earlier backup as it was, and the next run succeeds unaided', async () => {
    const tally = await kills.kill(KILLS, PHASES);
    tally.print(`SIGKILL in a backup, seed ${kills.moments.seed}`);
  }, 600_000);

  test('leaves no slot and no session on the server', async () => {
    await until(async () => {
      const [left] = await bed.server.query(
        `SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_stat_replication) AS count`,
      );
      return Number(left?.['count']) === 0;
    });
  });
});
