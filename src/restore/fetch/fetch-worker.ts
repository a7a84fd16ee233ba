import { parentPort, workerData } from 'node:worker_threads';
import { openStore } from '../../storage/open-store.ts';
import type { TaskAnswer } from '../../task-pool.ts';
import { errorToMessage } from '../../worker-thread.ts';
import type { FetchTask, FetchWorkerData } from './fetch-messages.ts';
import { fetchSegment } from './fetch-segment.ts';

/** A thread that reads, checks and decompresses segments while PostgreSQL replays those before them. */
const store = openStore((workerData as FetchWorkerData).location);

function answer(message: TaskAnswer): void {
  parentPort?.postMessage(message);
}

parentPort?.on('message', (task: FetchTask) => {
  fetchSegment(store, task).then(
    (result) => answer({ kind: 'done', result }),
    (error: unknown) => answer({ kind: 'failed', error: errorToMessage(error) }),
  );
});
