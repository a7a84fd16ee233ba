import type { Clock } from '../clock.ts';
import { runDrill } from '../drill/run-drill.ts';
import type { DrillRequest } from '../drill/drill-request.ts';
import { drillProblem, drillSummary } from '../drill/drill-words.ts';
import type { DrillReport } from '../verify/proof-report.ts';
import type { Job, Task } from './job.ts';

export interface DrillJobParts {
  readonly task: Extract<Task, 'drill' | 'second_site_test'>;
  readonly request: DrillRequest;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Told of every drill that was held, also of one that failed; resolves with what could not be noted, in words. */
  readonly onReport: (report: DrillReport) => Promise<readonly string[]>;
}

/**
 * Holds a drill. One that failed ends the run with VERIFICATION_FAILED, one that took too long or lost too much with
 * OBJECTIVE_MISSED; rejects as `runDrill`.
 */
export function drillJob({ task, request, clock, random, onReport }: DrillJobParts): Job {
  return {
    task,
    run: async ({ signal, progress }) => {
      const report = await runDrill(request, { clock, random, signal, onProgress: progress });
      const warnings = await onReport(report);
      const problem = drillProblem(report);
      return {
        backupId: report.backup,
        warnings,
        remark: drillSummary(report),
        ...(problem === undefined ? {} : { problem }),
      };
    },
  };
}
