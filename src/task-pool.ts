import type { Worker } from 'node:worker_threads';
import { LarderError } from './errors.ts';
import { errorFromMessage, type ErrorMessage } from './worker-thread.ts';

/** What a worker answers to each task. */
export type TaskAnswer<Result = number> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: ErrorMessage };

interface Waiting<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: LarderError) => void;
}

/** Threads that carry out tasks, one at a time each; more wait in line. A thread that ends is replaced. */
export class TaskPool<Task, Result = number> {
  readonly #startWorker: () => Worker;
  readonly #size: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Waiting<Task, Result>>();
  readonly #line: Waiting<Task, Result>[] = [];
  #closed = false;

  constructor(startWorker: () => Worker, size: number) {
    this.#startWorker = startWorker;
    this.#size = size;
  }

  /** Resolves with the worker's result. Throws what it failed with, INTERNAL when it ended. */
  run(task: Task): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    if (this.#closed) reject(ended());
    else this.#line.push({ task, resolve, reject });
    this.#dispatch();
    return promise;
  }

  /** Ends the threads; what they were doing is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#line.splice(0)) reject(ended());
    await Promise.all([...this.#idle.splice(0), ...this.#busy.keys()].map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#line.length > 0 && !this.#closed) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#size ? this.#start() : undefined);
      const next = worker === undefined ? undefined : this.#line.shift();
      if (worker === undefined || next === undefined) return;
      this.#busy.set(worker, next);
      worker.postMessage(next.task);
    }
  }

  #start(): Worker {
    const worker = this.#startWorker();
    worker.on('message', (answer: TaskAnswer<Result>) => {
      const done = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      if (answer.kind === 'done') done?.resolve(answer.result);
      else done?.reject(errorFromMessage(answer.error));
      this.#dispatch();
    });
    worker.on('error', (error: Error) => this.#lost(worker, ended(error)));
    worker.on('exit', () => this.#lost(worker, ended()));
    return worker;
  }

  #lost(worker: Worker, error: LarderError): void {
    this.#busy.get(worker)?.reject(error);
    this.#busy.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#dispatch();
  }
}

function ended(cause?: Error): LarderError {
  const message = cause === undefined ? 'a worker has ended' : `a worker ended: ${cause.message}`;
  return new LarderError('INTERNAL', message, { cause });
}
