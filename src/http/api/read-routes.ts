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

/** A run as the API shows it; times are ISO 8601. */
const run = z.object({
  id: z.string(),
  cluster: z.string(),
  task: z.string(),
  reason: z.string(),
  started: z.string(),
  ended: z.string().nullable(),
  result: z.string().nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  hint: z.string().nullable(),
  backupId: z.string().nullable(),
  durationSeconds: z.number().nullable(),
});

export type BackupView = z.input<typeof backup>;
export type RunView = z.input<typeof run>;

/** What the reading routes answer from. */
export interface ApiSource {
  /** Names of the configured clusters. */
  readonly clusters: readonly string[];
  /** Oldest first. */
  readonly backups: (cluster: string) => Promise<readonly BackupView[]>;
  /** Oldest first. */
  readonly runs: () => Promise<readonly RunView[]>;
  /** What `/health` shows, in full. */
  readonly status: () => object;
}

const inCluster = z.strictObject({ cluster: nameSchema.optional() });
const LIMIT = 1000;
const limited = z.strictObject({
  cluster: nameSchema.optional(),
  limit: z.coerce.number().int().min(1).max(LIMIT).default(100),
});

/** The routes that change nothing. */
export function readRoutes(source: ApiSource): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/status',
      scope: 'read',
      summary: 'the state of the service, as at /health',
      response: z.looseObject({}),
      handle: () => Promise.resolve({ ...source.status() }),
    }),
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
      path: '/runs',
      scope: 'read',
      summary: 'the newest runs of jobs, oldest first',
      query: limited,
      response: z.object({ runs: z.array(run) }),
      handle: async ({ query: { cluster, limit } }) => {
        const runs = await source.runs();
        const wanted = runs.filter((each) => cluster === undefined || each.cluster === cluster);
        return { runs: wanted.slice(-limit) };
      },
    }),
    route({
      method: 'GET',
      path: '/runs/:id',
      scope: 'read',
      summary: 'one run of a job',
      params: z.strictObject({ id: nameSchema }),
      response: run,
      handle: async ({ params }) => {
        const found = (await source.runs()).find(({ id }) => id === params.id);
        if (found === undefined) throw unknown(`there is no run ${params.id}`);
        return found;
      },
    }),
  ];
}

async function backupsOf(source: ApiSource, cluster: string | undefined): Promise<BackupView[]> {
  if (cluster !== undefined && !source.clusters.includes(cluster))
    throw unknown(`there is no cluster ${cluster}`);
  const clusters = cluster === undefined ? source.clusters : [cluster];
  const found = await Promise.all(clusters.map((name) => source.backups(name)));
  return found.flat();
}

async function findBackup(source: ApiSource, id: string): Promise<BackupView> {
  const found = (await backupsOf(source, undefined)).find((each) => each.id === id);
  if (found === undefined) throw unknown(`there is no backup ${id}`);
  return found;
}

function unknown(message: string): LarderError {
  return new LarderError('BACKUP_UNKNOWN', message);
}
