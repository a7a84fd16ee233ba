import type { AssembledCluster } from './assemble-cluster.ts';
import { schedulesOf } from './cluster-limits.ts';
import { knowsBackup, readKnownCatalogue, type ClusterParts } from './cluster-parts.ts';
import type { Clock } from './clock.ts';
import type { ApiSource } from './http/api/api-routes.ts';
import type { PlanView } from './http/api/backup-routes.ts';
import type { RunView } from './http/api/run-routes.ts';
import type { PauseView, ScheduleView } from './http/api/schedule-routes.ts';
import { pickCluster } from './pick-cluster.ts';
import { openRepository } from './repository/repository.ts';
import { viewPlan } from './retention/plan-view.ts';
import { readRetentionState } from './retention/read-facts.ts';
import { planRetention } from './retention/retention-plan.ts';
import type { RunHistory } from './scheduler/history.ts';
import type { Pause, Pauses } from './scheduler/pauses.ts';
import type { RunRecord } from './scheduler/run-record.ts';
import { localTimeText } from './scheduler/local-time.ts';
import { blackoutUntil, viewSchedules, type TaskSchedule } from './scheduler/schedule-view.ts';

/** A cluster as the API knows it. */
export interface ApiCluster extends ClusterParts {
  readonly assembled: Pick<AssembledCluster, 'submit' | 'cancel' | 'wake' | 'role'>;
}

export interface ApiSourceParts {
  readonly clusters: readonly ApiCluster[];
  readonly history: RunHistory;
  readonly pauses: Pauses;
  readonly state: { health(): object };
  readonly clock: Clock;
}

/** What the API answers from: the repositories themselves, the run history, and the pauses. */
export function apiSource(parts: ApiSourceParts): ApiSource {
  const { clusters, history, state, clock } = parts;
  return {
    clusters: clusters.map(({ config }) => config.name),
    backups: async (name) => {
      const cluster = pickCluster(clusters, name);
      return (await readKnownCatalogue(cluster, await knowsBackup(history, name))).backups;
    },
    retentionPlan: (name) => readPlan(pickCluster(clusters, name), clock.now()),
    runs: async () => (await history.runs()).map(viewRun),
    schedules: async (name) => {
      const chosen = name === undefined ? clusters : [pickCluster(clusters, name)];
      return Promise.all(chosen.map((cluster) => readSchedules(cluster, parts)));
    },
    status: () => state.health(),
  };
}

async function readPlan({ store, location, config }: ClusterParts, now: number): Promise<PlanView> {
  await openRepository(store, location);
  const { facts, marks } = await readRetentionState(store, now);
  const { time, policy, bytes, ...verdicts } = viewPlan({
    plan: planRetention(facts, config.retention, now),
    marks,
    policy: config.retention,
  });
  const logs = verdicts.logs.map((log) => ({ ...log }));
  return { time, policy: { ...policy }, bytes, backups: verdicts.backups.map(copyReasons), logs };
}

/** The API's schemas name arrays that can be written to. */
function copyReasons<Backup extends { readonly reasons: readonly { readonly text: string }[] }>(
  backup: Backup,
): Omit<Backup, 'reasons'> & { reasons: { text: string }[] } {
  return { ...backup, reasons: [...backup.reasons] };
}

async function readSchedules(
  { config, assembled }: ApiCluster,
  { history, pauses, clock }: ApiSourceParts,
): Promise<ScheduleView> {
  const now = clock.now();
  const { name: cluster } = config;
  const { blackouts } = config.schedules;
  const tasks = viewSchedules({
    now,
    schedules: schedulesOf(config),
    blackouts,
    pauses: (await pauses.read(now)).filter((pause) => pause.cluster === cluster),
    runs: (await history.runs()).filter((run) => run.cluster === cluster),
  });
  const until = blackoutUntil(blackouts, now);
  return {
    cluster,
    role: assembled.role(),
    blackoutUntil: until === undefined ? null : iso(until),
    tasks: tasks.map(viewTask),
  };
}

function viewTask({
  task,
  schedule,
  next,
  missed,
  pause,
  lastRun,
}: TaskSchedule): ScheduleView['tasks'][number] {
  return {
    task,
    pattern: schedule.pattern,
    zone: schedule.zone,
    next: iso(next),
    nextLocal: localTimeText(next, schedule.zone),
    missed: missed === undefined ? null : iso(missed),
    pause: pause === undefined ? null : viewPause(pause),
    lastRun:
      lastRun === undefined
        ? null
        : { id: lastRun.id, started: iso(lastRun.started), result: lastRun.result ?? null },
  };
}

export function viewPause({ since, until, ...pause }: Pause): PauseView {
  return { ...pause, since: iso(since), until: iso(until) };
}

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
