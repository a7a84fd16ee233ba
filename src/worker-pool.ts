import type { Worker } from 'node:worker_threads';
import { LarderError, toLarderError } from './errors.ts';

/**
 * Gives requests to worker threads, one to each at a time, until they run out; answers come back in any order.
 * Every worker answers each request with exactly one message. All workers are ended before this returns.
 *
 * @throws the signal's reason, what `onAnswer` throws, INTERNAL when a worker ends by itself
 */
export async function runInWorkers(
  workers: readonly Worker[],
  requests: Iterable<unknown>,
  { onAnswer, signal }: { readonly onAnswer: (answer: unknown) => void; readonly signal: AbortSignal },
): Promise<void> {
  const queue = requests[Symbol.iterator]();
  try {
    await Promise.all(workers.map((worker) => serve(worker, queue, onAnswer, signal)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function serve(
  worker: Worker,
  queue: Iterator<unknown>,
  onAnswer: (answer: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const next = (): void => {
      const request = queue.next();
      if (request.done === true) resolve();
      else worker.postMessage(request.value);
    };
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    worker.on('error', (error: Error) =>
      reject(new LarderError('INTERNAL', `a worker ended: ${error.message}`, { cause: error })),
    );
    worker.on('exit', () => reject(new LarderError('INTERNAL', 'a worker ended early')));
    worker.on('message', (answer: unknown) => {
      try {
        onAnswer(answer);
        next();
      } catch (error) {
        reject(toLarderError(error));
      }
    });
    if (signal.aborted) reject(signal.reason as Error);
    else next();
  });
}
