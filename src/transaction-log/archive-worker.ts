import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import { openStore } from '../storage/open-store.ts';
import { serveTasks } from '../task-worker.ts';
import type { ArchiveTask, ArchiveWorkerData } from './archive-messages.ts';
import { storeSpooled } from './store-spooled.ts';

/** A thread that compresses and stores WAL; the thread that reads the socket never waits for it. */
const { location, level } = workerData as ArchiveWorkerData;
const store = openStore(location);

/**
 * Lets the database go first where both want the same cores: on Linux a priority is a thread's own (setpriority(2)).
 * Elsewhere, and where it is forbidden, nothing is lost but that.
 */
function giveWay(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isInteger(thread)) setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    return;
  }
}
giveWay();

serveTasks((task: ArchiveTask) => storeSpooled(store, task, level));
