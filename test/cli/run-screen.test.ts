import { expect, test } from '@jest/globals';
import { endText, startText } from '../../src/cli/run-screen.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

test('a success is told with its sizes and what the server warned of, on lines of their own', () => {
  const run = anEndedRun({
    backupId: 'full_backup_truck_20261122_020000',
    sourceBytes: 235_000_000,
    storedBytes: 47_000_000,
    warnings: ['WARNING: a\u001b[31mtrap'],
  });
  expect(endText(run)).toBe(
    'full_backup_truck_20261122_020000 is complete: 235 MB read, 47.0 MB stored (5.0 : 1), 1 min 00 s.\n' +
      'The server gave 1 warning:\n  WARNING: a\ufffd[31mtrap',
  );
});

test('a failure is told with its code and what to do', () => {
  const run = anEndedRun({
    result: 'failure',
    errorCode: 'SERVER_UNREACHABLE',
    errorMessage: 'no answer',
    hint: 'Start it.',
  });
  expect(endText(run)).toBe('The backup of truck failed: no answer [SERVER_UNREACHABLE]\n  Start it.');
});

test('an interrupted run says that nothing of it counts', () => {
  expect(endText(anEndedRun({ result: 'interrupted' }))).toContain('Nothing of it counts');
});

test.each([
  ['first', 'taking the first full backup of truck'],
  ['catch_up', 'that was due while Larder did not run'],
  ['schedule', 'taking a full backup of truck'],
] as const)('a run for the reason %s says so', (reason, words) => {
  expect(startText(aRun({ reason }))).toMatch(new RegExp(`^2026-11-22 02:00:00 UTC: .*${words}`));
});
