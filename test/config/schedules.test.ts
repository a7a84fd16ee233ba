import { expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';

const noFile = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' }));
const load = (environment: Record<string, string>) =>
  loadConfig({
    environment: { DATABASE_URL: 'postgresql://larder@db/truck', ...environment },
    workingDirectory: '/srv',
    readFile: noFile,
  });

test('the environment sets what is done when, with limits', async () => {
  const config = await load({
    LARDER_BACKUP_STALL: '5m',
    LARDER_VERIFY_TIMEOUT: '2h',
    LARDER_SCHEDULE_FULL: '0 3 * * 0 Europe/Berlin',
    LARDER_SCHEDULE_INCREMENTAL: 'none',
    LARDER_SCHEDULE_TRANSACTION_LOG: '@hourly',
    LARDER_SCHEDULE_VERIFY: 'none',
    LARDER_SCHEDULE_DRILL: 'none',
    LARDER_SCHEDULE_SECOND_SITE_TEST: '0 6 1 1 *',
    LARDER_DRILL_TARGET: 'random',
    LARDER_DRILL_TIMEOUT: '3h',
    LARDER_DRILL_SECOND_SITE: 'second',
    LARDER_SCHEDULE_CATCH_UP: 'none',
    LARDER_SCHEDULE_CATCH_UP_WINDOW_FULL: '1h',
    LARDER_SCHEDULE_CATCH_UP_WINDOW_INCREMENTAL: '1m',
    LARDER_SCHEDULE_BLACKOUT: 'mon-fri 08:00-18:00 Asia/Tokyo',
    LARDER_WAL_RECEIVE: 'off',
    LARDER_WAL_SEAL_TIMEOUT: '1m',
    LARDER_PARALLEL_BACKUPS: '3',
  });
  expect(config).toMatchObject({
    parallelBackups: 3,
    clusters: [
      {
        schedules: {
          full: { pattern: '0 3 * * 0', zone: 'Europe/Berlin' },
          incremental: undefined,
          transactionLog: { pattern: '@hourly', zone: 'UTC' },
          verifyAfterBackup: false,
          drill: undefined,
          secondSiteTest: { pattern: '0 6 1 1 *', zone: 'UTC' },
          catchUp: 'none',
          catchUpWindow: { full: 3_600_000, incremental: 60_000 },
          blackouts: [{ from: 480, to: 1080, zone: 'Asia/Tokyo' }],
        },
        stallTimeout: 300_000,
        verifyTimeout: 7_200_000,
        drill: { target: 'random', timeout: 10_800_000, secondSite: '/srv/second', application: undefined },
        transactionLog: { receive: false, sealTimeout: 60_000 },
      },
    ],
  });
});

test.each([
  ['FULL', '0 0 2 * * 0', '"0 0 2 * * 0" is not a cron pattern'],
  ['FULL', '2026-12-24 12:00:00', 'is not a cron pattern'],
  ['FULL', '0 2 31 2 *', 'schedule "0 2 31 2 *" never fires'],
  ['INCREMENTAL', '0 2 * * * Mars/Olympus', 'time zone "Mars/Olympus" is not known'],
  ['TRANSACTION_LOG', '0 2 * * * UTC UTC', 'is not a cron pattern'],
  ['VERIFY', '0 3 * * *', 'expected one of after-backup, none'],
  ['CATCH_UP', 'all', 'expected one of latest, none'],
  ['BLACKOUT', '08:00', '"08:00" is not a blackout window'],
])('LARDER_SCHEDULE_%s=%s is refused at the start', async (name, value, expected) => {
  await expect(load({ [`LARDER_SCHEDULE_${name}`]: value })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(expected) as unknown as string,
  });
});
