import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TASKS, type Task } from '../../src/jobs/job.ts';
import type { Due } from '../../src/scheduler/due.ts';
import { planSteps, type PlanFacts } from '../../src/scheduler/plan.ts';

const run: Due = { kind: 'run', reason: 'schedule', slot: 0 };
const facts = (fields: Partial<PlanFacts> & { tasks?: readonly Task[] }): PlanFacts => ({
  dues: (fields.tasks ?? []).map((task) => ({ task, due: run })),
  pending: [],
  blackedOut: false,
  isPaused: () => false,
  backupFailed: false,
  ...fields,
});
const steps = (fields: Parameters<typeof facts>[0]) =>
  planSteps(facts(fields)).map(({ kind, task }) => `${kind} ${task}`);

test('what is due together runs in order: the log, full, incremental, proofs, and deletion last', () => {
  expect(steps({ tasks: ['retention', 'drill', 'backup_incremental', 'transaction_log'] })).toEqual([
    'run transaction_log',
    'run backup_incremental',
    'run drill',
    'run retention',
  ]);
});

describe('an incremental backup', () => {
  test('that is due with a full one is coalesced', () => {
    expect(steps({ tasks: ['backup_incremental', 'backup_full'] })).toEqual([
      'run backup_full',
      'coalesce backup_incremental',
    ]);
  });

  test('that is due while a full one runs or waits is coalesced; a full one is not', () => {
    expect(steps({ tasks: ['backup_incremental'], pending: ['backup_full'] })).toEqual([
      'coalesce backup_incremental',
    ]);
    expect(steps({ tasks: ['backup_full'], pending: ['backup_incremental'] })).toEqual(['run backup_full']);
  });

  test('is not coalesced into a full one that is paused or dropped', () => {
    const isPaused = (task: Task) => task === 'backup_full';
    expect(steps({ tasks: ['backup_incremental', 'backup_full'], isPaused })).toEqual([
      'run backup_incremental',
    ]);
    const drop: Due = { kind: 'drop', slot: 0, why: 'late' };
    const dues = [
      { task: 'backup_full', due: drop },
      { task: 'backup_incremental', due: run },
    ] as const;
    expect(steps({ dues })).toEqual(['skip backup_full', 'run backup_incremental']);
  });
});

test('a blackout holds back what is heavy, and never the log', () => {
  expect(steps({ tasks: [...TASKS], blackedOut: true })).toEqual(['run transaction_log']);
});

test('nothing is deleted after a backup that failed', () => {
  expect(steps({ tasks: ['retention'], backupFailed: true })).toEqual(['skip retention']);
});

test('for anything that is due, each task gets one step at most, and nothing paused runs', () => {
  const subset = fc.subarray([...TASKS]);
  fc.assert(
    fc.property(subset, subset, subset, fc.boolean(), (tasks, pending, paused, blackedOut) => {
      const planned = planSteps(
        facts({ tasks, pending, blackedOut, isPaused: (task) => paused.includes(task) }),
      );
      expect(new Set(planned.map(({ task }) => task)).size).toBe(planned.length);
      for (const { task } of planned) expect(paused).not.toContain(task);
      const expected = tasks.filter(
        (task) => !paused.includes(task) && (!blackedOut || task === 'transaction_log'),
      );
      expect(planned.map(({ task }) => task).sort()).toEqual([...expected].sort());
    }),
  );
});
