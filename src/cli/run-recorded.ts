import { AuditedRuns } from '../audit/audited-runs.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { LarderError, toLarderError } from '../errors.ts';
import type { Job } from '../jobs/job.ts';
import { RunEvents } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import { Permits } from '../scheduler/permits.ts';
import { JobRunner, type RunnerParts } from '../scheduler/runner.ts';
import { commandActor } from './audit-note.ts';
import type { CliParts } from './cli-parts.ts';
import { ProgressBar } from './progress-bar.ts';

type RunnerChoices = Pick<RunnerParts, 'cluster' | 'history' | 'limits'> & {
  /** Where the audit trail lies. */
  readonly stateDirectory: string;
};

/** Runs the job with its progress shown. It is on record before its first step and at its end, however it ends, and audited. */
export async function runRecorded(
  parts: CliParts,
  job: Job,
  choices: RunnerChoices,
): Promise<{ run: RunRecord; error: LarderError | undefined }> {
  const { clock, signal, stderr } = parts;
  const { stateDirectory, ...known } = choices;
  const bar = new ProgressBar(stderr, clock);
  const warn = (error: unknown): void => stderr.write(`warning: ${toLarderError(error).message}\n`);
  const events = new RunEvents(warn);
  const audited = new AuditedRuns(new AuditTrail(stateDirectory, clock), commandActor(), warn);
  events.listen(audited);
  events.listen({ progress: (progress) => bar.update({ phase: 'working', ...progress }) });
  const runner = new JobRunner({ ...known, events, clock, permits: new Permits(1), random: Math.random });
  const interrupt = (): void => void runner.shutdown();
  signal.throwIfAborted();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const run = await runner.run(job, { reason: 'manual' });
    await audited.settled();
    return { run, error: errorOf(run) };
  } finally {
    signal.removeEventListener('abort', interrupt);
    bar.clear();
  }
}

function errorOf({ result, errorCode, errorMessage, hint }: RunRecord): LarderError | undefined {
  if (result === 'success') return undefined;
  const message = errorMessage ?? 'the run ended without saying why';
  return new LarderError(errorCode ?? 'INTERNAL', message, hint === undefined ? {} : { hint });
}
