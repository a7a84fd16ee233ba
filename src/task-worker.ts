import { parentPort } from 'node:worker_threads';
import type { TaskAnswer, TaskMessage } from './task-pool.ts';
import { errorToMessage } from './worker-thread.ts';

/** Makes this thread one of a `TaskPool`: each task is answered with what `carryOut` resolves or rejects with. */
export function serveTasks<Result>(carryOut: (task: never) => Promise<Result>): void {
  const answer = (message: TaskAnswer<Result>): void => parentPort?.postMessage(message);
  parentPort?.on('message', ({ number, task }: TaskMessage<never>) => {
    carryOut(task).then(
      (result) => answer({ number, kind: 'done', result }),
      (error: unknown) => answer({ number, kind: 'failed', error: errorToMessage(error) }),
    );
  });
}
