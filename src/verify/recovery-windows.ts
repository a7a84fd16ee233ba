import type { RecoveryPoint, RollForward } from '../restore/recovery/roll-forward.ts';

/** Any point from `from` to `until` can be restored to. */
export interface RecoveryWindow {
  readonly timeline: number;
  /** The end of `backup`. */
  readonly from: RecoveryPoint;
  readonly until: RecoveryPoint;
  /** The oldest one that reaches through it. */
  readonly backup: string;
}

/** Joins the backups that reach the same end, each from the oldest of them on. Oldest window first. */
export function recoveryWindows(backups: readonly RollForward[]): RecoveryWindow[] {
  const rolling = backups.filter(({ state }) => state === 'log');
  const oldestFirst = rolling.toSorted((a, b) => (a.from.lsn < b.from.lsn ? -1 : 1));
  const windows = new Map<string, RecoveryWindow>();
  for (const { backup, timeline, from, until } of oldestFirst) {
    const end = `${timeline} ${until.lsn}`;
    if (!windows.has(end)) windows.set(end, { timeline, from, until, backup });
  }
  return [...windows.values()];
}
