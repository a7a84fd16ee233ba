import { Worker, type WorkerOptions } from 'node:worker_threads';
import { LarderError, toLarderError, type ErrorCode } from './errors.ts';

/** A LarderError as it crosses from one thread to another. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export function errorToMessage(thrown: unknown): ErrorMessage {
  const error = toLarderError(thrown);
  return { code: error.code, message: error.message, hint: error.hint };
}

export function errorFromMessage(message: ErrorMessage): LarderError {
  return new LarderError(
    message.code,
    message.message,
    message.hint === undefined ? {} : { hint: message.hint },
  );
}

/**
 * Starts the worker whose source file stands beside the caller's.
 * @param caller the caller's `import.meta.url`: sources run as `.ts`, an installed build as `.js`
 */
export function startWorker(caller: string, name: string, options: WorkerOptions): Worker {
  const extension = caller.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(new URL(`./${name}.${extension}`, caller), {
    ...options,
    // jest's own flags are not for our threads; the young generation is kept small: frames live outside the heap
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}
