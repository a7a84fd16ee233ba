import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import { nameSchema, route, type ApiRoute } from './route.ts';

/** A backup as the API shows it. */
const backup = z.object({
  id: z.string(),
  cluster: z.string(),
  type: z.enum(['full', 'incremental']),
  state: z.enum(['complete', 'corrupt_source']),
  parent: z.string().nullable(),
  chain: z.string(),
  serverVersion: z.string(),
  timeline: z.number(),
  startLsn: z.string(),
  stopLsn: z.string(),
  startTime: z.string(),
  endTime: z.string(),
  sourceBytes: z.number(),
  storedBytes: z.number(),
  files: z.number(),
});

export type BackupView = z.input<typeof backup>;

/** Milliseconds where they are times. */
const policy = z.object({
  days: z.number(),
  weeks: z.number(),
  months: z.number(),
  years: z.number(),
  transactionLog: z.number(),
  floor: z.number(),
  grace: z.number(),
  timezone: z.string(),
});
const plannedBackup = z.object({
  id: z.string(),
  type: z.enum(['full', 'incremental']).nullable(),
  bytes: z.number().nullable(),
  keep: z.boolean(),
  /** Why it is kept, or which rules kept it until when. */
  reasons: z.array(z.looseObject({ text: z.string() })).readonly(),
  /** The next run removes it. */
  due: z.boolean(),
  removableFrom: z.string().nullable(),
});
const plannedLog = z.object({
  systemIdentifier: z.string(),
  /** Why all of it is. */
  kept: z.string().nullable(),
  timelines: z
    .array(
      z.object({
        timeline: z.number(),
        keepFrom: z.string(),
        because: z.object({ kind: z.string(), id: z.string().exactOptional() }).nullable(),
        objects: z.number(),
        bytes: z.number(),
      }),
    )
    .readonly(),
});
/** What retention would do now, with its reasons; times are ISO 8601. */
const plan = z.object({
  time: z.string(),
  policy,
  backups: z.array(plannedBackup).readonly(),
  logs: z.array(plannedLog).readonly(),
  /** To be freed in all, and by the next run. */
  bytes: z.object({ all: z.number(), now: z.number() }),
});

export type PlanView = z.input<typeof plan>;

export interface BackupSource {
  /** Names of the configured clusters. */
  readonly clusters: readonly string[];
  /** Oldest first. */
  readonly backups: (cluster: string) => Promise<readonly BackupView[]>;
  /** Nothing is marked or removed. Throws CLUSTER_UNKNOWN. */
  readonly retentionPlan: (cluster: string | undefined) => Promise<PlanView>;
}

const inCluster = z.strictObject({ cluster: nameSchema.optional() });

export function backupRoutes(source: BackupSource): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/backups',
      scope: 'read',
      summary: 'all backups, oldest first',
      query: inCluster,
      response: z.object({ backups: z.array(backup) }),
      handle: async ({ query }) => ({ backups: await backupsOf(source, query.cluster) }),
    }),
    route({
      method: 'GET',
      path: '/backups/:id',
      scope: 'read',
      summary: 'one backup',
      params: z.strictObject({ id: nameSchema }),
      response: backup,
      handle: async ({ params }) => findBackup(source, params.id),
    }),
    route({
      method: 'GET',
      path: '/retention/plan',
      scope: 'read',
      summary: 'of each backup whether the policy keeps it, and why; nothing is marked or removed',
      query: inCluster,
      response: plan,
      handle: ({ query }) => source.retentionPlan(query.cluster),
    }),
  ];
}

async function backupsOf(source: BackupSource, cluster: string | undefined): Promise<BackupView[]> {
  if (cluster !== undefined && !source.clusters.includes(cluster))
    throw new LarderError('CLUSTER_UNKNOWN', `there is no cluster ${cluster}`);
  const clusters = cluster === undefined ? source.clusters : [cluster];
  const found = await Promise.all(clusters.map((name) => source.backups(name)));
  return found.flat();
}

async function findBackup(source: BackupSource, id: string): Promise<BackupView> {
  const found = (await backupsOf(source, undefined)).find((each) => each.id === id);
  if (found === undefined) throw new LarderError('BACKUP_UNKNOWN', `there is no backup ${id}`);
  return found;
}
