import type { Worker } from 'node:worker_threads';
import { LarderError } from '../errors.ts';
import { errorFromMessage, startWorker } from '../worker-thread.ts';
import type { ArchiveAnswer, ArchiveTask, ArchiveWorkerData } from './archive-messages.ts';

interface Waiting {
  readonly task: ArchiveTask;
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: LarderError) => void;
}

/** Threads that store WAL, one task to each at a time; more wait in line. A thread that ends is replaced. */
export class ArchivePool {
  readonly #data: ArchiveWorkerData;
  readonly #size: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Waiting>();
  readonly #line: Waiting[] = [];
  #closed = false;

  constructor(data: ArchiveWorkerData, size: number) {
    this.#data = data;
    this.#size = size;
  }

  /** Resolves with the object's bytes once it is durable. Throws as `storeSpooled`. */
  store(task: ArchiveTask): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#line.push({ task, resolve, reject });
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
    const worker = startWorker(import.meta.url, 'archive-worker', { workerData: this.#data });
    worker.on('message', (answer: ArchiveAnswer) => {
      const done = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      if (answer.kind === 'stored') done?.resolve(answer.bytes);
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
  const message =
    cause === undefined
      ? 'the thread that stores WAL has ended'
      : `the thread that stores WAL ended: ${cause.message}`;
  return new LarderError('INTERNAL', message, { cause });
}
