import { workerData } from 'node:worker_threads';
import { openStore } from '../../storage/open-store.ts';
import { serveTasks } from '../../task-worker.ts';
import type { FetchTask, FetchWorkerData } from './fetch-messages.ts';
import { fetchSegment } from './fetch-segment.ts';

/** A thread that reads, checks and decompresses segments while PostgreSQL replays those before them. */
const store = openStore((workerData as FetchWorkerData).location);

serveTasks((task: FetchTask) => fetchSegment(store, task));
