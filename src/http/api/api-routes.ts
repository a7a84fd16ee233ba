import * as z from 'zod';
import { backupRoutes, type BackupSource } from './backup-routes.ts';
import { route, type ApiRoute } from './route.ts';
import { runRoutes, type RunActions, type RunSource } from './run-routes.ts';
import { scheduleRoutes, type ScheduleActions, type ScheduleSource } from './schedule-routes.ts';

/** What the API answers from. */
export interface ApiSource extends BackupSource, RunSource, ScheduleSource {
  /** What `/health` shows, in full. */
  readonly status: () => object;
}

/** What can be done through the API: nothing that takes a path, an address or a command. */
export interface ApiActions extends RunActions, ScheduleActions {}

/** Every route of `/api/v1`. */
export function apiRoutes(source: ApiSource, actions: ApiActions): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/status',
      scope: 'read',
      summary: 'the state of the service, as at /health',
      response: z.looseObject({}),
      handle: () => Promise.resolve({ ...source.status() }),
    }),
    ...backupRoutes(source),
    ...runRoutes(source, actions),
    ...scheduleRoutes(source, actions),
  ];
}
