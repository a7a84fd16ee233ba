import * as z from 'zod';
import { TASKS, type Task } from '../../jobs/job.ts';
import { nameSchema, route, type ApiRoute, type Caller } from './route.ts';

/** A pause as the API shows it; times are ISO 8601. */
const pause = z.object({
  cluster: z.string(),
  task: z.enum(TASKS),
  since: z.string(),
  until: z.string(),
  reason: z.string(),
  by: z.string(),
});

/** When everything of one cluster runs; times are ISO 8601, UTC. */
const schedule = z.object({
  cluster: z.string(),
  role: z.enum(['starting', 'leader', 'standby']),
  /** When the blackout that is on now is over. */
  blackoutUntil: z.string().nullable(),
  tasks: z.array(
    z.object({
      task: z.enum(TASKS),
      pattern: z.string(),
      zone: z.string(),
      next: z.string(),
      /** The same in the schedule's own zone: `2026-11-29 02:00`. */
      nextLocal: z.string(),
      /** The last slot, where it waits to be made up for. */
      missed: z.string().nullable(),
      pause: pause.nullable(),
      lastRun: z.object({ id: z.string(), started: z.string(), result: z.string().nullable() }).nullable(),
    }),
  ),
});

export type PauseView = z.input<typeof pause>;
export type ScheduleView = z.input<typeof schedule>;

export interface ScheduleSource {
  /** Of all clusters, or of one. Throws CLUSTER_UNKNOWN. */
  readonly schedules: (cluster: string | undefined) => Promise<readonly ScheduleView[]>;
}

/** Whose schedules are meant: of a cluster (undefined: the only one) these tasks (undefined: all but the log's seals). */
export interface SchedulesChoice {
  readonly cluster: string | undefined;
  readonly tasks: readonly Task[] | undefined;
}

/** What may be done about schedules. Each act lands in the audit trail. */
export interface ScheduleActions {
  /** `until`: milliseconds since 1970 UTC. Throws CLUSTER_UNKNOWN, and USAGE for an end that is past or more than 31 days away. */
  readonly pause: (
    choice: SchedulesChoice,
    pause: { readonly until: number; readonly reason: string },
    caller: Caller,
  ) => Promise<readonly PauseView[]>;
  /** Ends pauses; resolves with the tasks that were paused. Throws CLUSTER_UNKNOWN. */
  readonly resume: (choice: SchedulesChoice, caller: Caller) => Promise<readonly Task[]>;
}

const choice = {
  cluster: nameSchema.optional(),
  tasks: z.array(z.enum(TASKS)).min(1).max(TASKS.length).optional(),
};
const pauseRequest = z.strictObject({
  ...choice,
  until: z.iso.datetime({ offset: true }).transform((time) => Date.parse(time)),
  reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    // it is shown on terminals
    .regex(/^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u),
});

export function scheduleRoutes(source: ScheduleSource, actions: ScheduleActions): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/schedule',
      scope: 'read',
      summary: 'when everything runs next, what was missed, what is paused',
      query: z.strictObject({ cluster: nameSchema.optional() }),
      response: z.object({ schedules: z.array(schedule) }),
      handle: async ({ query }) => ({ schedules: [...(await source.schedules(query.cluster))] }),
    }),
    route({
      method: 'POST',
      path: '/pause',
      scope: 'operate',
      summary:
        'start nothing by schedule until a time, within 31 days; all tasks but the seals of the log where none are named. What is asked for runs all the same',
      body: pauseRequest,
      response: z.object({ pauses: z.array(pause) }),
      handle: async ({ body: { cluster, tasks, ...pause }, caller }) => ({
        pauses: [...(await actions.pause({ cluster, tasks }, pause, caller))],
      }),
    }),
    route({
      method: 'POST',
      path: '/resume',
      scope: 'operate',
      summary: 'end pauses before their time; all where no tasks are named',
      body: z.strictObject(choice),
      response: z.object({ resumed: z.array(z.enum(TASKS)) }),
      handle: async ({ body: { cluster, tasks }, caller }) => ({
        resumed: [...(await actions.resume({ cluster, tasks }, caller))],
      }),
    }),
  ];
}
