import type { AuditAction } from './audit/audit-record.ts';
import type { AuditTrail } from './audit/audit-trail.ts';
import type { ApiCluster } from './api-source.ts';
import type { Clock } from './clock.ts';
import { LarderError } from './errors.ts';
import type { ApiActions } from './http/api/api-routes.ts';
import type { Caller } from './http/api/route.ts';
import type { RunRequestView, RunView } from './http/api/run-routes.ts';
import type { PauseView, SchedulesChoice } from './http/api/schedule-routes.ts';
import { TASKS, type Task } from './jobs/job.ts';
import { pickCluster } from './pick-cluster.ts';
import { readCommitRecord } from './repository/catalogue.ts';
import { viewRun } from './run-view.ts';
import { viewPause } from './schedule-views.ts';
import { pausableTasks } from './scheduler/pausable-tasks.ts';
import type { RunHistory } from './scheduler/history.ts';
import type { Pauses } from './scheduler/pauses.ts';

export interface ApiActionsParts {
  readonly clusters: readonly ApiCluster[];
  readonly history: RunHistory;
  readonly pauses: Pauses;
  readonly trail: AuditTrail;
  readonly clock: Clock;
  /** Told when the trail cannot be written: what was done is not undone by that. */
  readonly notAudited: (error: unknown) => void;
}

/** What the API does. Each act is in the audit trail, with who asked for it, before it is answered. */
export function apiActions(parts: ApiActionsParts): ApiActions {
  return {
    start: (request, caller) => start(parts, request, caller),
    cancel: (runId, caller) => cancel(parts, runId, caller),
    pause: (choice, pause, caller) => beginPause(parts, choice, { ...pause, caller }),
    resume: (choice, caller) => resume(parts, choice, caller),
  };
}

async function start(
  parts: ApiActionsParts,
  { task, cluster: name, backup }: RunRequestView,
  caller: Caller,
): Promise<{ isNew: boolean; run: RunView }> {
  const { config, store, assembled } = pickCluster(parts.clusters, name);
  // a slip of the pen is to be told at once, and not by a failed run; it throws BACKUP_UNKNOWN
  if (backup !== undefined) await readCommitRecord(store, backup);
  const submission = assembled.submit(task, {
    requestedBy: caller.actor,
    ...(backup === undefined ? {} : { backupId: backup }),
  });
  const run = await submission.recorded;
  const { isNew } = submission;
  await note(parts, caller, {
    action: 'run',
    subject: backup ?? config.name,
    details: { run: run.id, cluster: config.name, task, new: isNew },
  });
  return { isNew, run: viewRun(run) };
}

async function cancel(parts: ApiActionsParts, runId: string, caller: Caller): Promise<RunView> {
  const run = (await parts.history.runs()).find(({ id }) => id === runId);
  if (run === undefined) throw new LarderError('RUN_UNKNOWN', `there is no run ${runId}`);
  // asked for twice, since the first answer was lost
  if (run.result === 'canceled') return viewRun(run);
  if (run.result !== undefined) throw new LarderError('RUN_OVER', `the run ${runId} is over: ${run.result}`);
  if (!parts.clusters.some(({ assembled }) => assembled.cancel(runId))) throw notOurs(runId, run.process.pid);
  const { cluster, task } = run;
  await note(parts, caller, { action: 'cancel', subject: cluster, details: { run: runId, cluster, task } });
  return viewRun(run);
}

function notOurs(runId: string, pid: number): LarderError {
  return new LarderError('LEASE_HELD', `the run ${runId} is one of another process (${pid})`, {
    hint: 'A command that somebody typed is ended where it was typed: with Ctrl-C.',
  });
}

async function beginPause(
  parts: ApiActionsParts,
  choice: SchedulesChoice,
  { until, reason, caller }: { readonly until: number; readonly reason: string; readonly caller: Caller },
): Promise<readonly PauseView[]> {
  const { name: cluster } = pickCluster(parts.clusters, choice.cluster).config;
  const since = parts.clock.now();
  const pauses = (choice.tasks ?? pausableTasks()).map((task) => ({
    cluster,
    task,
    since,
    until,
    reason,
    by: caller.actor,
  }));
  for (const pause of pauses) await parts.pauses.pause(pause);
  await note(parts, caller, {
    action: 'pause',
    subject: cluster,
    details: {
      tasks: pauses.map(({ task }) => task).join(' '),
      until: new Date(until).toISOString(),
      reason,
    },
  });
  return pauses.map(viewPause);
}

async function resume(
  parts: ApiActionsParts,
  { cluster: name, tasks = TASKS }: SchedulesChoice,
  caller: Caller,
): Promise<readonly Task[]> {
  const { config, assembled } = pickCluster(parts.clusters, name);
  const { name: cluster } = config;
  const now = parts.clock.now();
  const resumed: Task[] = [];
  for (const task of tasks) if (await parts.pauses.resume({ cluster, task }, now)) resumed.push(task);
  assembled.wake();
  await note(parts, caller, { action: 'resume', subject: cluster, details: { tasks: resumed.join(' ') } });
  return resumed;
}

async function note(
  { trail, notAudited }: ApiActionsParts,
  { actor, address }: Caller,
  act: {
    readonly action: AuditAction;
    readonly subject: string;
    readonly details: Readonly<Record<string, string | boolean>>;
  },
): Promise<void> {
  await trail.add({ actor, ...act, details: { ...act.details, address } }).catch(notAudited);
}
