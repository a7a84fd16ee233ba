import type { RunView } from './http/api/run-routes.ts';
import type { RunRecord } from './scheduler/run-record.ts';

/** A run as programs are shown it, by the API and by commands. */
export function viewRun(run: RunRecord): RunView {
  return {
    id: run.id,
    cluster: run.cluster,
    task: run.task,
    reason: run.reason,
    requestedBy: run.requestedBy ?? null,
    waiting: run.waiting === true,
    slot: run.slot === undefined ? null : iso(run.slot),
    started: iso(run.started),
    ended: run.ended === undefined ? null : iso(run.ended),
    result: run.result ?? null,
    errorCode: run.errorCode ?? null,
    errorMessage: run.errorMessage ?? null,
    hint: run.hint ?? null,
    backupId: run.backupId ?? null,
    coalescedInto: run.coalescedInto ?? null,
    sourceBytes: run.sourceBytes ?? null,
    storedBytes: run.storedBytes ?? null,
    warnings: [...(run.warnings ?? [])],
    remark: run.remark ?? null,
    durationSeconds: run.durationSeconds ?? null,
    attempts: (run.attempts ?? []).map(({ started, durationSeconds, errorCode, errorMessage }) => ({
      started: iso(started),
      durationSeconds,
      errorCode: errorCode ?? null,
      errorMessage: errorMessage ?? null,
    })),
    phases: [...(run.phases ?? [])],
  };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
