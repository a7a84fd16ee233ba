import { formatLsn } from '../postgres/lsn.ts';
import type { MissingWal } from '../repository/wal/missing-wal.ts';
import type { RecoveryPoint, RollForward } from '../restore/recovery/roll-forward.ts';
import { formatTime } from '../format.ts';

/** `2026-11-22 02:00:05 UTC (16/B374D848)`. */
export function pointText({ lsn, time }: RecoveryPoint): string {
  return `${formatTime(time)} (${formatLsn(lsn)})`;
}

/** How far a backup can be rolled forward, for a table. */
export function reachText({ state, until, hole, removed, problem }: RollForward): string {
  if (state === 'unknown') return `UNKNOWN: ${problem?.message ?? ''}`;
  const reaches = state === 'log' ? pointText(until) : 'its own end';
  if (removed) return `${reaches}, the log behind it was removed by retention`;
  return hole === undefined ? reaches : `${reaches}, then a HOLE at ${hole.segment}`;
}

/** The same for programs: positions as text, unknown times null. */
export function rollForwardJson({
  backup,
  state,
  timeline,
  from,
  until,
  hole,
  removed,
  problem,
}: RollForward): object {
  return {
    backup,
    state,
    timeline,
    from: pointJson(from),
    until: state === 'unknown' ? null : pointJson(until),
    hole: hole === undefined ? null : holeJson(hole),
    removed,
    problem: problem === undefined ? null : { code: problem.code, message: problem.message },
  };
}

export function pointJson({ lsn, time }: RecoveryPoint): object {
  return { lsn: formatLsn(lsn), time };
}

export function holeJson({ start, end, recorded, ...names }: MissingWal): object {
  const found = recorded === undefined ? null : { time: recorded.recorded, reason: recorded.reason };
  const { segment, lastSegment, object } = names;
  return { from: formatLsn(start), to: formatLsn(end), segment, lastSegment, object, recorded: found };
}
