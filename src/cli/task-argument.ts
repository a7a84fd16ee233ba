import { LarderError } from '../errors.ts';
import { TASKS, type Task } from '../jobs/job.ts';
import { nearestKey } from '../nearest-key.ts';

/** For the description of an argument. */
export const TASK_NAMES = TASKS.join(', ');

/** The kind of work of that name; hyphens are as good as underscores. Throws USAGE. */
export function parseTask(text: string): Task {
  const wanted = text.replaceAll('-', '_');
  const found = TASKS.find((task) => task === wanted);
  if (found !== undefined) return found;
  const nearest = nearestKey(wanted, TASKS);
  throw new LarderError('USAGE', `there is no task "${text}"`, {
    hint: nearest === undefined ? `There are ${TASK_NAMES}.` : `Did you mean ${nearest}?`,
  });
}
