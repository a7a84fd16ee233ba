import { expect, test } from '@jest/globals';
import { sumStored } from '../../../src/report/facts/read-repository.ts';

const object = (name: string, size: number, day = '2026-11-26') => ({
  name,
  size,
  modified: Date.parse(`${day}T12:00:00Z`),
});

test('what is stored is added up by type; a backup without its commit record is none', () => {
  const full = 'full_backup_truck_20261122_020000';
  const incremental = 'incremental_backup_truck_20261123_020000';
  const dead = 'full_backup_truck_20261124_020000';
  const log = 'transaction_logs/7381902837465019283';
  expect(
    sumStored([
      object('repository.json', 1),
      object('lease/0000000001', 2),
      object(`${full}/data-00001.pack`, 1000),
      object(`${full}/${full}.meta`, 10),
      object(`${incremental}/data-00001.pack`, 100),
      object(`${incremental}/${incremental}.meta`, 10),
      object(`${dead}/data-00001.pack`, 5),
      object(`${log}/00000001/000000010000000000000001`, 7, '2026-11-25'),
      object(`${log}/00000001/000000010000000000000002`, 8),
      object(`${log}/position.json`, 1),
    ]),
  ).toEqual({
    full: 1010,
    incremental: 110,
    unfinished: 5,
    log: 16,
    other: 3,
    logByDay: new Map([
      ['2026-11-25', 7],
      ['2026-11-26', 9],
    ]),
  });
});
