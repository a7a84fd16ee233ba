import { LarderError } from '../../errors.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import type { TimelineHistory } from '../../postgres/timeline-history.ts';
import { historyObject } from './wal-layout.ts';
import type { WalIndex } from './wal-index.ts';

/** One timeline with the ancestors it is reached through: what recovery_target_timeline means. */
export interface TimelinePath {
  readonly timeline: number;
  readonly history: TimelineHistory;
}

/** Where a backup stands: recovery goes on from there. */
export interface TimelinePoint {
  readonly timeline: number;
  readonly lsn: Lsn;
}

/** Every timeline that anything is stored of, ascending. */
export function storedTimelines({ segments, tails, histories }: WalIndex): number[] {
  const found = new Set(
    [...segments, ...tails.map(({ segment }) => segment)].map(({ timeline }) => timeline),
  );
  for (const timeline of histories.keys()) found.add(timeline);
  return [...found].sort((a, b) => a - b);
}

/** The same, and the one that the receiver was on: everything of that may be lost, its history too. */
export function knownTimelines(index: WalIndex): number[] {
  const known = new Set(storedTimelines(index));
  if (index.received !== undefined) known.add(index.received.timeline);
  return [...known].sort((a, b) => a - b);
}

/**
 * The way to one timeline.
 * @throws LarderError OBJECT_MISSING when its history is not stored (or is damaged): nobody can tell its ancestors
 */
export function pathTo(index: WalIndex, timeline: number): TimelinePath {
  const history = index.histories.get(timeline);
  if (history !== undefined) return { timeline, history };
  if (timeline === 1) return { timeline, history: [] };
  const name = historyObject(index.systemIdentifier, timeline);
  const damage = index.damaged.find(({ message }) => message.includes(name));
  if (damage !== undefined) throw damage;
  throw new LarderError(
    'OBJECT_MISSING',
    `${name} is missing, so nobody can tell where timeline ${timeline} came from`,
    {
      hint: "Name another timeline with --target-timeline, or put the file back from the server's pg_wal.",
    },
  );
}

/** Whether who follows the path passes through the point. */
export function passesThrough({ timeline, history }: TimelinePath, point: TimelinePoint): boolean {
  if (point.timeline === timeline) return history.every(({ end }) => end <= point.lsn);
  const branch = history.find((ancestor) => ancestor.timeline === point.timeline);
  return branch !== undefined && point.lsn <= branch.end;
}

/**
 * The way to the newest timeline that branched off behind the point: what `latest` means to PostgreSQL. Timelines that
 * cannot be placed, since their history is missing, are an error and not passed over: what was written on them would be
 * left out in silence.
 * @throws LarderError as `pathTo`
 */
export function newestPath(index: WalIndex, point: TimelinePoint): TimelinePath {
  const known = knownTimelines(index);
  for (const timeline of known.filter((each) => each > point.timeline).reverse()) {
    const path = pathTo(index, timeline);
    if (passesThrough(path, point)) return path;
  }
  // nothing was ever received of a timeline that only the backup knows
  if (!known.includes(point.timeline)) return { timeline: point.timeline, history: [] };
  return pathTo(index, point.timeline);
}
