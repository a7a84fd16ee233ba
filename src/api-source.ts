import type { AssembledCluster } from './assemble-cluster.ts';
import { schedulesOf } from './cluster-limits.ts';
import { knowsBackup, readKnownCatalogue, type ClusterParts } from './cluster-parts.ts';
import type { Clock } from './clock.ts';
import type { ApiSource } from './http/api/api-routes.ts';
import type { PlanView } from './http/api/backup-routes.ts';
import type { ScheduleView } from './http/api/schedule-routes.ts';
import { pickCluster } from './pick-cluster.ts';
import { openRepository } from './repository/repository.ts';
import { viewPlan } from './retention/plan-view.ts';
import { readRetentionState } from './retention/read-facts.ts';
import { planRetention } from './retention/retention-plan.ts';
import type { RunHistory } from './scheduler/history.ts';
import type { Pauses } from './scheduler/pauses.ts';
import { viewRun } from './run-view.ts';
import { viewSchedule } from './schedule-views.ts';
import { blackoutUntil, viewSchedules } from './scheduler/schedule-view.ts';

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
  const plan = planRetention(facts, config.retention, now);
  return viewPlan({ plan, marks, policy: config.retention });
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
  return { role: assembled.role(), ...viewSchedule(cluster, blackoutUntil(blackouts, now), tasks) };
}
