import type { Task } from '../../../src/jobs/job.ts';
import type { RunRecord } from '../../../src/scheduler/run-record.ts';

export interface SlotTally {
  /** Slots that the service was there to see. */
  readonly seen: number;
  /** Of them, those that a record names. */
  readonly named: number;
  readonly problems: readonly string[];
}

/**
 * Holds the records of a task against its slots, one by one, without anything that the scheduler decides by: none that the
 * service was there to see is lost, none is done twice.
 */
export function checkSlots(
  task: Task,
  slots: readonly number[],
  { records, ticks }: { readonly records: readonly RunRecord[]; readonly ticks: readonly number[] },
): SlotTally {
  const over = records.filter((run) => run.task === task && run.result !== 'interrupted');
  const fulls = records.filter((run) => run.task === 'backup_full' && run.result !== 'interrupted');
  const problems: string[] = [];
  let [seen, named] = [0, 0];
  const lastTick = ticks.reduce((last, tick) => Math.max(last, tick), 0);
  slots.forEach((slot, index) => {
    const next = slots[index + 1] ?? Number.POSITIVE_INFINITY;
    const forIt = over.filter((run) => run.slot === slot);
    const when = new Date(slot).toISOString();
    if (forIt.length > 1) problems.push(`${task} ${when} was done ${forIt.length} times`);
    // the very last one may be in the making
    if (slot > lastTick - 6 * 3_600_000 || !ticks.some((tick) => tick >= slot && tick < next)) return;
    seen += 1;
    if (forIt.length > 0) named += 1;
    // a full backup holds all that an incremental one would
    const doneMeanwhile = [...over, ...(task === 'backup_incremental' ? fulls : [])].some(
      ({ started, ended = started }) => Math.max(started, ended) >= slot && Math.min(started, ended) < next,
    );
    // an interrupted run for it may have been made up for together with a later slot
    const takenLater = records.some(
      (run) => run.task === task && run.result === 'interrupted' && run.slot === slot,
    );
    if (forIt.length === 0 && !doneMeanwhile && !takenLater) problems.push(`${task} ${when} was lost`);
  });
  const known = new Set(slots);
  for (const { slot, id } of over) {
    if (slot !== undefined && slot >= slots[0]! && !known.has(slot)) {
      problems.push(`${task}: the run ${id} is for ${new Date(slot).toISOString()}, which is no slot`);
    }
  }
  return { seen, named, problems };
}
