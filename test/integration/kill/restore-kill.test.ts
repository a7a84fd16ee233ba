import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OperationProcess, type OperationSupply } from '../../support/kills/operation-process.ts';
import { backupsIn } from '../../support/kills/repository-state.ts';
import { RestoreKills, supplyRestores } from '../../support/kills/restore-kills.ts';
import { openTestBed, type TestBed } from '../../support/kills/test-bed.ts';

/** A thousand of them in test/long/kill.test.ts. */
const KILLS = 30;
const PHASES = ['preparing', 'writing', 'syncing', 'control file'];

describe('a restore that is killed at a random moment', () => {
  let bed: TestBed;
  let supply: OperationSupply;
  let kills: RestoreKills;

  beforeAll(async () => {
    bed = await openTestBed();
    const backup = OperationProcess.start('backup-program.ts', [bed.server.connection, bed.repository]);
    await backup.begin();
    expect(await backup.ended()).toMatchObject({ code: 0 });
    const id = (await backupsIn(bed.repository))[0]!;
    supply = supplyRestores(bed, id);
    kills = new RestoreKills(bed, supply, { id, contents: await bed.fingerprint() });
    await kills.prepare();
  }, 120_000);
  afterAll(async () => {
    await supply[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
  });

  test('leaves a directory that does not start and takes the next restore', async () => {
    const tally = await kills.kill(KILLS, PHASES);
    tally.print(`SIGKILL in a restore, seed ${kills.moments.seed}`);
  }, 600_000);
});
