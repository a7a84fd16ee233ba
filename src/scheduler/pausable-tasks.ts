import { TASKS, type Task } from '../jobs/job.ts';
import { laneOf } from './task-order.ts';

/** What is paused where no tasks are named: what loads a server or a store. The log goes on, as in a blackout. */
export function pausableTasks(): Task[] {
  return TASKS.filter((task) => laneOf(task) !== 'log');
}
