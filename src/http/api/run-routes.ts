import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import { TASKS, type Task } from '../../jobs/job.ts';
import { nameSchema, route, type ApiRoute, type Caller } from './route.ts';

const count = z.number().nullable();
const text = z.string().nullable();

/** A run as the API shows it; times are ISO 8601. */
const run = z.object({
  id: z.string(),
  cluster: z.string(),
  task: z.enum(TASKS),
  reason: z.string(),
  /** Who asked for it, as in the audit trail; null where nobody did. */
  requestedBy: text,
  /** It waits for others, and its work has not begun. */
  waiting: z.boolean(),
  slot: text,
  started: z.string(),
  ended: text,
  result: text,
  errorCode: text,
  errorMessage: text,
  hint: text,
  backupId: text,
  /** The run that does its work too. */
  coalescedInto: text,
  sourceBytes: count,
  storedBytes: count,
  warnings: z.array(z.string()),
  remark: text,
  durationSeconds: count,
  attempts: z.array(
    z.object({ started: z.string(), durationSeconds: z.number(), errorCode: text, errorMessage: text }),
  ),
  phases: z.array(z.object({ name: z.string(), durationSeconds: z.number() })),
});

export type RunView = z.input<typeof run>;

export interface RunSource {
  /** In the order in which they were put on record. */
  readonly runs: () => Promise<readonly RunView[]>;
}

export interface RunRequestView {
  readonly task: Task;
  /** Undefined: the only one. */
  readonly cluster: string | undefined;
  readonly backup: string | undefined;
}

/** What may be done about runs. Each act lands in the audit trail. */
export interface RunActions {
  /**
   * Asks for a run; resolves when it is on record. `isNew` is false where the same run waits or goes on already, and then that one is
   * given.
   * @throws LarderError CLUSTER_UNKNOWN, BACKUP_UNKNOWN, LEASE_HELD where another process leads, INTERRUPTED
   */
  readonly start: (
    request: RunRequestView,
    caller: Caller,
  ) => Promise<{ readonly isNew: boolean; readonly run: RunView }>;
  /**
   * Ends a run as `canceled`, also one that waits; resolves before it is over.
   * @throws LarderError RUN_UNKNOWN, RUN_OVER, LEASE_HELD for a run of another process
   */
  readonly cancel: (runId: string, caller: Caller) => Promise<RunView>;
}

const LIMIT = 1000;
const limited = z.strictObject({
  cluster: nameSchema.optional(),
  task: z.enum(TASKS).optional(),
  limit: z.coerce.number().int().min(1).max(LIMIT).default(100),
});
/** The kinds of runs that are about one backup. */
const ABOUT_A_BACKUP: ReadonlySet<Task> = new Set(['verify', 'restore_test']);
const request = z
  .strictObject({
    task: z.enum(TASKS),
    cluster: nameSchema.optional(),
    backup: nameSchema.optional(),
  })
  .refine(({ task, backup }) => backup === undefined || ABOUT_A_BACKUP.has(task), {
    path: ['backup'],
    message: 'only verify and restore_test are about one backup',
  });

export function runRoutes(source: RunSource, actions: RunActions): ApiRoute[] {
  return [...readingRoutes(source), ...actingRoutes(actions)];
}

function readingRoutes(source: RunSource): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/runs',
      scope: 'read',
      summary: 'the newest runs of jobs, oldest first',
      query: limited,
      response: z.object({ runs: z.array(run) }),
      handle: async ({ query: { cluster, task, limit } }) => {
        const wanted = (await source.runs()).filter(
          (each) =>
            (cluster === undefined || each.cluster === cluster) && (task === undefined || each.task === task),
        );
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
        if (found === undefined) throw new LarderError('RUN_UNKNOWN', `there is no run ${params.id}`);
        return found;
      },
    }),
  ];
}

function actingRoutes(actions: RunActions): ApiRoute[] {
  return [
    route({
      method: 'POST',
      path: '/runs',
      scope: 'operate',
      summary:
        'run a task as soon as it can; the same that waits or runs already is not run twice. "retention" carries out the configured policy, and nothing else',
      body: request,
      response: z.object({ isNew: z.boolean(), run }),
      statuses: {
        202: 'it is on record, and runs or waits',
        200: 'it was asked for already: this is that run',
      },
      statusOf: ({ isNew }) => (isNew ? 202 : 200),
      handle: ({ body: { task, cluster, backup }, caller }) =>
        actions.start({ task, cluster, backup }, caller),
    }),
    route({
      method: 'POST',
      path: '/runs/:id/cancel',
      scope: 'operate',
      summary: 'end a run, also one that waits; nothing of it counts unless its last step was done',
      params: z.strictObject({ id: nameSchema }),
      response: run,
      statuses: { 202: 'it is being ended', 200: 'it was canceled before' },
      statusOf: ({ result }) => (result === 'canceled' ? 200 : 202),
      handle: ({ params, caller }) => actions.cancel(params.id, caller),
    }),
  ];
}
