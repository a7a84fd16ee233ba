import type { RunView } from './http/api/run-routes.ts';
import type { RunRecord } from './scheduler/run-record.ts';

/** A run as programs are shown it, by the API and by commands. */
export function viewRun(run: RunRecord): RunView {
  return {
    id: run.id,
    cluster: run.cluster,
    task: run.task,
    reason: run.reason,
    requestedBy: orNull(run.requestedBy),
    waiting: run.waiting === true,
    slot: timeOrNull(run.slot),
    started: iso(run.started),
    ended: timeOrNull(run.ended),
    result: orNull(run.result),
    errorCode: orNull(run.errorCode),
    errorMessage: orNull(run.errorMessage),
    hint: orNull(run.hint),
    backupId: orNull(run.backupId),
    coalescedInto: orNull(run.coalescedInto),
    sourceBytes: orNull(run.sourceBytes),
    storedBytes: orNull(run.storedBytes),
    warnings: [...(run.warnings ?? [])],
    remark: orNull(run.remark),
    durationSeconds: orNull(run.durationSeconds),
    attempts: (run.attempts ?? []).map(({ started, durationSeconds, errorCode, errorMessage }) => ({
      started: iso(started),
      durationSeconds,
      errorCode: orNull(errorCode),
      errorMessage: orNull(errorMessage),
    })),
    phases: [...(run.phases ?? [])],
  };
}

function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function timeOrNull(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : iso(milliseconds);
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
