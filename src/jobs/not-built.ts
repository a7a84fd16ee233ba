import { LarderError } from '../errors.ts';
import type { Job, Task } from './job.ts';

/** A kind of job that a later version brings: whoever asks for it gets a failed run, never a success. */
export function notBuiltJob(task: Task): Job {
  return {
    task,
    run: () => Promise.reject(new LarderError('NOT_BUILT_YET', `runs of the kind ${task} are not built yet`)),
  };
}
