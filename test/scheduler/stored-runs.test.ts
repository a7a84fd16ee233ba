import { expect, test } from '@jest/globals';
import { decodeRun, encodeRun } from '../../src/scheduler/run-record.ts';
import { storedRuns } from '../../src/scheduler/stored-runs.ts';
import { commitRecord } from '../support/commit-records.ts';

const backup = commitRecord('2026-11-22T12:00:00Z');
const seal = {
  formatVersion: 2,
  cluster: 'truck',
  systemIdentifier: '1',
  timeline: 1,
  from: '0/1000000',
  to: '0/2000000',
  segments: 1,
  bytes: 16_777_216,
  gaps: [],
  startTime: '2026-11-22T18:00:00.000Z',
  endTime: '2026-11-22T18:00:02.000Z',
  larderVersion: '1',
} as const;

test('backups, seals and verifications tell of the runs that made them, oldest first', () => {
  const runs = storedRuns({
    cluster: 'truck',
    backups: [backup],
    seals: [{ name: 'transaction_logs/transaction_log_20261122_180000.meta', record: seal }],
    proofs: [
      { backup: backup.id, result: 'verified', number: 1, at: Date.parse('2026-11-22T13:00:00Z') },
      { backup: backup.id, result: 'quarantined', number: 2, at: Date.parse('2026-11-22T14:00:00Z') },
    ],
  });
  expect(runs).toMatchObject([
    {
      id: `rebuilt_${backup.id}`,
      task: 'backup_full',
      reason: 'rebuilt',
      result: 'success',
      backupId: backup.id,
      started: Date.parse(backup.startTime),
      ended: Date.parse(backup.endTime),
      sourceBytes: backup.sourceBytes,
    },
    { id: `rebuilt_verified_1_${backup.id}`, task: 'verify', result: 'success', backupId: backup.id },
    { task: 'verify', result: 'failure', errorCode: 'VERIFICATION_FAILED', backupId: backup.id },
    {
      id: 'rebuilt_transaction_log_20261122_180000',
      task: 'transaction_log',
      durationSeconds: 2,
      remark: 'sealed up to 0/2000000',
    },
  ]);
  for (const run of runs) expect(decodeRun(encodeRun(run))).toEqual(run);
});

test('a backup of a damaged cluster was a run that failed', () => {
  const backups = [{ ...backup, state: 'corrupt_source' as const }];
  expect(storedRuns({ cluster: 'truck', backups, seals: [], proofs: [] })).toMatchObject([
    { result: 'failure', errorCode: 'SOURCE_CORRUPT', backupId: backup.id },
  ]);
});
