import { randomUUID } from 'node:crypto';
import { readProcessIdentity } from '../../src/process-identity.ts';
import type { RunRecord } from '../../src/scheduler/run-record.ts';

/** A run that has just begun in this process. */
export function aRun(fields: Partial<RunRecord> = {}): RunRecord {
  return {
    id: randomUUID(),
    cluster: 'truck',
    task: 'backup_full',
    reason: 'schedule',
    started: Date.parse('2026-11-22T02:00:00Z'),
    process: readProcessIdentity(),
    ...fields,
  };
}

/** A run that ended 60 s after its start. */
export function anEndedRun(fields: Partial<RunRecord> = {}): RunRecord {
  const started = fields.started ?? Date.parse('2026-11-22T02:00:00Z');
  return aRun({ started, ended: started + 60_000, durationSeconds: 60, result: 'success', ...fields });
}
