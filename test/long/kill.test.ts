import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { BackupKills, supplyBackups } from '../support/kills/backup-kills.ts';
import { backupsIn } from '../support/kills/repository-state.ts';
import { RestoreKills, supplyRestores } from '../support/kills/restore-kills.ts';
import { openTestBed, type TestBed } from '../support/kills/test-bed.ts';

/** A thousand in all; half an hour on two cores. */
const BACKUP_KILLS = 600;
const RESTORE_KILLS = 400;
const LIMIT_MS = 3_600_000;

describe('a thousand kills', () => {
  let bed: TestBed;

  beforeAll(async () => {
    bed = await openTestBed();
  }, 60_000);
  afterAll(async () => bed[Symbol.asyncDispose]());

  test(
    'of backups cost no earlier backup',
    async () => {
      await using supply = supplyBackups(bed);
      const kills = new BackupKills(bed, supply);
      await kills.prepare();
      const tally = await kills.kill(BACKUP_KILLS, ['committed']);
      tally.print(`SIGKILL in a backup, seed ${kills.moments.seed}`);
    },
    LIMIT_MS,
  );

  test(
    'of restores leave no directory that starts and is not whole',
    async () => {
      const id = (await backupsIn(bed.repository)).at(-1)!;
      await using supply = supplyRestores(bed, id);
      const kills = new RestoreKills(bed, supply, { id, contents: await bed.fingerprint() });
      await kills.prepare();
      const tally = await kills.kill(RESTORE_KILLS, ['control file']);
      tally.print(`SIGKILL in a restore, seed ${kills.moments.seed}`);
    },
    LIMIT_MS,
  );
});
