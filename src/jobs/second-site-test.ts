import { LarderError } from '../errors.ts';
import { drillJob, type DrillJobParts } from './drill.ts';
import type { Job } from './job.ts';

/**
 * The same drill from the repository of the second site, as if the first one were gone.
 * @param parts undefined where no second site is configured: then it refuses with CONFIG_INVALID
 */
export function secondSiteTestJob(parts: Omit<DrillJobParts, 'task'> | undefined): Job {
  const task = 'second_site_test';
  if (parts !== undefined) return drillJob({ ...parts, task });
  const refusal = new LarderError(
    'CONFIG_INVALID',
    'no second site is configured, so there is nothing to test',
    {
      hint: 'Name the repository of the second site: drill.second-site, or LARDER_DRILL_SECOND_SITE.',
    },
  );
  return { task, run: () => Promise.reject(refusal) };
}
