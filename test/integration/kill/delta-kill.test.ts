import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DeltaKills } from '../../support/kills/delta-kills.ts';
import { OperationProcess } from '../../support/kills/operation-process.ts';
import { backupsIn } from '../../support/kills/repository-state.ts';
import { openTestBed, type TestBed } from '../../support/kills/test-bed.ts';

const KILLS = 24;
const PHASES = ['preparing', 'comparing', 'writing', 'syncing'];

describe('a restore over an earlier copy that is killed at a random moment', () => {
  let bed: TestBed;
  let kills: DeltaKills;

  beforeAll(async () => {
    bed = await openTestBed();
    const earlier = await backedUp();
    await bed.server.query('UPDATE large SET filler = upper(filler) WHERE n % 500 = 0; DROP TABLE empty');
    await bed.server.query('DELETE FROM elsewhere WHERE n % 3 = 0');
    await bed.server.query('VACUUM FULL elsewhere');
    await bed.change();
    const later = await backedUp();
    kills = new DeltaKills(bed, { earlier, later });
    await kills.prepare();
  }, 180_000);
  afterAll(async () => {
    await kills[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
  });

  async function backedUp() {
    const known = await backupsIn(bed.repository);
    const contents = await bed.fingerprint();
    const backup = OperationProcess.start('backup-program.ts', [bed.server.connection, bed.repository]);
    await backup.begin();
    expect(await backup.ended()).toMatchObject({ code: 0, stderr: '' });
    const [id] = (await backupsIn(bed.repository)).filter((each) => !known.includes(each));
    return { id: id!, contents };
  }

  test('leaves a whole copy, or one that does not start and can be made whole', async () => {
    const tally = await kills.kill(KILLS, PHASES);
    tally.print(`SIGKILL in a restore --delta, seed ${kills.moments.seed}`);
  }, 600_000);
});
