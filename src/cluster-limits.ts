import type { ClusterConfig } from './config/config.ts';
import { perTask, type Task } from './jobs/job.ts';
import type { RunLimits } from './scheduler/run-limits.ts';
import type { Schedule } from './scheduler/schedule.ts';
import { isBackup } from './scheduler/task-order.ts';

/** Behind the limit of the seal itself, which says better what it waited for. */
const SEAL_SLACK_SECONDS = 60;
/** In which a task without a schedule of its own is tried again, seconds. */
const RETRY_SECONDS = 3600;

/** When each task is due by itself. */
export function schedulesOf({
  schedules,
  transactionLog,
  drill,
}: ClusterConfig): ReadonlyMap<Task, Schedule> {
  const all: readonly [Task, Schedule | undefined][] = [
    ['backup_full', schedules.full],
    ['backup_incremental', schedules.incremental],
    ['transaction_log', transactionLog.receive ? schedules.transactionLog : undefined],
    ['retention', schedules.retention],
    ['restore_test', schedules.restoreTest],
    ['drill', schedules.drill],
    // without a second site there is nothing to be tested
    ['second_site_test', drill.secondSite === undefined ? undefined : schedules.secondSiteTest],
  ];
  return new Map(all.flatMap(([task, schedule]) => (schedule === undefined ? [] : [[task, schedule]])));
}

/** What a run may take. A failed attempt is followed by others for half the time between two slots. */
export function runLimits(cluster: ClusterConfig, now: number): Readonly<Record<Task, RunLimits>> {
  const schedules = schedulesOf(cluster);
  return perTask((task) => {
    const schedule = schedules.get(task);
    const retrySeconds = schedule === undefined ? RETRY_SECONDS : intervalOf(schedule, now) / 2000;
    // while one index is looked at nothing moves, however large it is
    const tellsOfBytes = isBackup(task) || (task === 'verify' && cluster.verify.level === 'objects');
    const stallSeconds = tellsOfBytes ? cluster.stallTimeout / 1000 : undefined;
    return { timeoutSeconds: timeoutSeconds(task, cluster), stallSeconds, retrySeconds };
  });
}

/** Milliseconds between the next two slots. */
export function intervalOf(schedule: Schedule, now: number): number {
  const next = schedule.nextRun(now);
  return schedule.nextRun(next) - next;
}

function timeoutSeconds(task: Task, cluster: ClusterConfig): number {
  if (task === 'transaction_log') return cluster.transactionLog.sealTimeout / 1000 + SEAL_SLACK_SECONDS;
  if (task === 'drill' || task === 'second_site_test') return cluster.drill.timeout / 1000;
  const isProof = task === 'verify' || task === 'restore_test';
  return (isProof ? cluster.verifyTimeout : cluster.backupTimeout) / 1000;
}
