import { LarderError } from '../errors.ts';
import type { WantedTarget } from '../restore/recovery/parse-target.ts';
import type { RecoveryTarget } from '../restore/recovery/recovery-plan.ts';
import { formatTimestamp } from '../restore/recovery/parse-time.ts';
import { formatLsn } from '../postgres/lsn.ts';
import type { RecoveryWindow } from '../verify/recovery-windows.ts';

/** Where a drill shall end: where a restore may, or at some second that nobody chose. */
export type DrillTarget =
  Exclude<RecoveryTarget, { kind: 'end' }> | { readonly kind: 'everything' } | { readonly kind: 'random' };

/** A restore's target, and in words. */
export interface ChosenTarget {
  readonly wanted: WantedTarget;
  readonly text: string;
}

/**
 * What the drill restores to.
 * @param windows read where the target is random, oldest first
 * @param random from 0 up to 1
 * @throws LarderError RESTORE_REFUSED where no second can be chosen
 */
export function chooseTarget(
  target: DrillTarget,
  windows: readonly RecoveryWindow[],
  random: () => number,
): ChosenTarget {
  if (target.kind !== 'random') {
    return { wanted: { target, timeline: 'latest', action: 'promote' }, text: targetText(target) };
  }
  const { timeline, time } = randomSecond(windows, random());
  const microseconds = BigInt(time) * 1000n;
  return {
    wanted: {
      target: { kind: 'time', time: microseconds, inclusive: true },
      timeline,
      action: 'promote',
    },
    text: `${formatTimestamp(microseconds)}, drawn at random`,
  };
}

function targetText(target: Exclude<DrillTarget, { kind: 'random' }>): string {
  const before = 'inclusive' in target && !target.inclusive ? 'just before ' : '';
  switch (target.kind) {
    case 'everything':
      return 'the newest point';
    case 'time':
      return `${before}${formatTimestamp(target.time)}`;
    case 'lsn':
      return `${before}LSN ${formatLsn(target.lsn)}`;
    case 'xid':
      return `${before}transaction ${target.transaction}`;
    case 'name':
      return `restore point ${JSON.stringify(target.name)}`;
  }
}

/** A whole second of one of the windows, each second of all of them as likely as any other. Milliseconds since 1970 UTC. */
function randomSecond(
  windows: readonly RecoveryWindow[],
  fraction: number,
): { readonly timeline: number; readonly time: number } {
  const stretches = windows.flatMap(({ timeline, from, until }) => {
    const first = Math.ceil(Date.parse(from.time) / 1000);
    const seconds = Math.floor(Date.parse(until.time) / 1000) - first + 1;
    return seconds > 0 ? [{ timeline, first, seconds }] : [];
  });
  let left = Math.floor(fraction * stretches.reduce((sum, { seconds }) => sum + seconds, 0));
  for (const { timeline, first, seconds } of stretches) {
    if (left < seconds) return { timeline, time: (first + left) * 1000 };
    left -= seconds;
  }
  throw new LarderError('RESTORE_REFUSED', 'there is no second to draw: no log is stored behind any backup', {
    hint: 'Leave --random out to restore the newest backup; "larder wal status" tells what is stored of the log.',
  });
}
