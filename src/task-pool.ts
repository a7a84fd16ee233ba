import type { Worker } from 'node:worker_threads';
import { LarderError } from './errors.ts';
import { errorFromMessage, type ErrorMessage } from './worker-thread.ts';

/** What a worker is sent. */
export interface TaskMessage<Task> {
  readonly number: number;
  readonly task: Task;
}

/** What a worker answers to each task, by its number. */
export type TaskAnswer<Result = number> = { readonly number: number } & (
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: ErrorMessage }
);

export interface TaskPoolOptions {
  readonly threads: number;
  /** How many tasks a thread has at once: while one of them waits for the disk, the thread works on the other. */
  readonly each?: number;
}

interface Waiting<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: LarderError) => void;
}

/** A thread, and what it has to do, by number. */
interface Thread<Task, Result> {
  readonly worker: Worker;
  readonly tasks: Map<number, Waiting<Task, Result>>;
}

/** Threads that carry out tasks, a few at a time each; more wait in line. A thread that ends is replaced. */
export class TaskPool<Task, Result = number> {
  readonly #startWorker: () => Worker;
  readonly #size: number;
  readonly #each: number;
  readonly #threads = new Set<Thread<Task, Result>>();
  readonly #line: Waiting<Task, Result>[] = [];
  #number = 0;
  #closed = false;

  constructor(startWorker: () => Worker, { threads, each = 1 }: TaskPoolOptions) {
    this.#startWorker = startWorker;
    this.#size = threads;
    this.#each = each;
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
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#line.length > 0 && !this.#closed) {
      const thread = this.#free();
      const next = thread === undefined ? undefined : this.#line.shift();
      if (thread === undefined || next === undefined) return;
      const number = this.#number++;
      thread.tasks.set(number, next);
      const message: TaskMessage<Task> = { number, task: next.task };
      thread.worker.postMessage(message);
    }
  }

  /** The thread with the least to do; a new one before any gets a second task. */
  #free(): Thread<Task, Result> | undefined {
    const [least] = [...this.#threads].sort((a, b) => a.tasks.size - b.tasks.size);
    if (least?.tasks.size === 0) return least;
    if (this.#threads.size < this.#size) return this.#start();
    return least !== undefined && least.tasks.size < this.#each ? least : undefined;
  }

  #start(): Thread<Task, Result> {
    const thread: Thread<Task, Result> = { worker: this.#startWorker(), tasks: new Map() };
    this.#threads.add(thread);
    thread.worker.on('message', (answer: TaskAnswer<Result>) => {
      const done = thread.tasks.get(answer.number);
      thread.tasks.delete(answer.number);
      if (answer.kind === 'done') done?.resolve(answer.result);
      else done?.reject(errorFromMessage(answer.error));
      this.#dispatch();
    });
    thread.worker.on('error', (error: Error) => this.#lost(thread, ended(error)));
    thread.worker.on('exit', () => this.#lost(thread, ended()));
    return thread;
  }

  #lost(thread: Thread<Task, Result>, error: LarderError): void {
    this.#threads.delete(thread);
    for (const { reject } of thread.tasks.values()) reject(error);
    thread.tasks.clear();
    this.#dispatch();
  }
}

function ended(cause?: Error): LarderError {
  const message = cause === undefined ? 'a worker has ended' : `a worker ended: ${cause.message}`;
  return new LarderError('INTERNAL', message, { cause });
}
