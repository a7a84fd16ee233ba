import { expect, test } from '@jest/globals';
import { newestFailure } from '../../src/scheduler/newest-failure.ts';
import type { RunRecord } from '../../src/scheduler/run-record.ts';

function run(result: RunRecord['result'], more: Partial<RunRecord> = {}): RunRecord {
  const process = { host: 'h', pid: 1 };
  const base = {
    id: 'x',
    cluster: 'truck',
    task: 'backup_full',
    reason: 'schedule',
    started: 0,
    process,
  } as const;
  return { ...base, ...(result === undefined ? {} : { result }), ...more };
}

test('the newest backup that came to an end of its own tells whether backups fail', () => {
  const failed = run('failure', { errorMessage: 'disk full' });
  expect(newestFailure([], 'truck')).toBeUndefined();
  expect(newestFailure([failed, run('success')], 'truck')).toBeUndefined();
  expect(newestFailure([run('success'), failed], 'truck')).toBe(
    'backup_full of 1970-01-01T00:00:00.000Z: disk full',
  );
  expect(newestFailure([run('timeout')], 'truck')).toContain('timeout');
  for (const result of ['canceled', 'interrupted', undefined] as const)
    expect(newestFailure([failed, run(result)], 'truck')).toContain('disk full');
});

test('other jobs and other clusters say nothing', () => {
  const runs = [run('success'), run('failure', { task: 'retention' }), run('failure', { cluster: 'cart' })];
  expect(newestFailure(runs, 'truck')).toBeUndefined();
});
