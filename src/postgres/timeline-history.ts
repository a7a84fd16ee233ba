import { LarderError } from '../errors.ts';
import { formatLsn, parseLsn, type Lsn } from './lsn.ts';

/** One earlier timeline: it counts up to `end`, where its child branched off. */
export interface TimelineBranch {
  readonly timeline: number;
  readonly end: Lsn;
}

/** The ancestry of one timeline, oldest first; empty for one that branched off none. */
export type TimelineHistory = readonly TimelineBranch[];

/**
 * Reads a `.history` file: lines of parent timeline, switch position and reason, oldest first; comments and blank lines
 * allowed; timelines strictly increasing (timeline.c, readTimeLineHistory).
 * @param timeline whose history it is, for the check that it comes after its parents
 * @throws LarderError OBJECT_DAMAGED
 */
export function parseTimelineHistory(text: string, timeline: number): TimelineHistory {
  const history: TimelineBranch[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(\d+)\s+([0-9A-F/]+)(\s|$)/i.exec(line);
    const branch = Number(match?.[1]);
    const end = parseLsn(match?.[2] ?? '');
    if (
      match === null ||
      end === undefined ||
      branch <= (history.at(-1)?.timeline ?? 0) ||
      branch >= timeline
    ) {
      throw new LarderError(
        'OBJECT_DAMAGED',
        `the history of timeline ${timeline} has an unreadable line: ${JSON.stringify(line)}`,
      );
    }
    history.push({ timeline: branch, end });
  }
  return history;
}

/** The text of a history file, as PostgreSQL writes it. */
export function formatTimelineHistory(history: TimelineHistory, reason: string): string {
  return history.map(({ timeline, end }) => `${timeline}\t${formatLsn(end)}\t${reason}\n`).join('\n');
}

/**
 * The timeline on which the byte at `lsn` counts, for who follows `timeline`: an ancestor up to its switch position, then
 * its child.
 */
export function timelineAt(history: TimelineHistory, timeline: number, lsn: Lsn): number {
  return history.find(({ end }) => lsn < end)?.timeline ?? timeline;
}
