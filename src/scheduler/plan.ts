import type { Task } from '../jobs/job.ts';
import type { Due } from './due.ts';
import { coversTask, laneOf, rankOf } from './task-order.ts';

export interface PlanFacts {
  readonly dues: readonly { readonly task: Task; readonly due: Due }[];
  /** Tasks that run or wait to. */
  readonly pending: readonly Task[];
  /** Nothing heavy is to be started now. */
  readonly blackedOut: boolean;
  readonly isPaused: (task: Task) => boolean;
  /** The last run of a backup, whichever kind, failed. */
  readonly backupFailed: boolean;
}

export type Step =
  | {
      readonly kind: 'run';
      readonly task: Task;
      readonly due: Extract<Due, { kind: 'run' }>;
    }
  /** Goes on record, and satisfies its slot. */
  | {
      readonly kind: 'coalesce' | 'skip';
      readonly task: Task;
      readonly due: Due;
      readonly why: string;
    };

/**
 * What is done about everything that is due, in order. What is paused or in a blackout gives no step, and stays due.
 */
export function planSteps(facts: PlanFacts): Step[] {
  const { dues, pending, blackedOut, isPaused } = facts;
  const allowed = dues
    .filter(({ task, due }) => due.kind === 'drop' || !isPaused(task))
    .filter(({ task, due }) => due.kind === 'drop' || !blackedOut || laneOf(task) === 'log')
    .sort((a, b) => rankOf(a.task) - rankOf(b.task));
  const runs = allowed.filter(({ due }) => due.kind === 'run').map(({ task }) => task);
  const running = [...pending, ...runs];
  return allowed.map(({ task, due }) => {
    if (due.kind === 'drop') return { kind: 'skip', task, due, why: due.why };
    if (running.some((other) => coversTask(other, task))) {
      return { kind: 'coalesce', task, due, why: 'the full backup that runs holds all that it would' };
    }
    // what was kept until now may be needed now
    if (task === 'retention' && facts.backupFailed) {
      return { kind: 'skip', task, due, why: 'nothing is deleted after a backup that failed' };
    }
    return { kind: 'run', task, due };
  });
}
