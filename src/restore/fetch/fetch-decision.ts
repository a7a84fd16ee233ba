import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import { parseSegmentName, segmentName, type WalSegment } from '../../postgres/wal-segment.ts';
import {
  segmentFinder,
  segmentOnPath,
  type FindSegment,
  type StoredSegment,
} from '../../repository/wal/stored-segment.ts';
import type { TimelinePath } from '../../repository/wal/timeline-path.ts';
import type { WalIndex } from '../../repository/wal/wal-index.ts';

/** What a recovery may ask for, and what must be there. */
export interface FetchScope {
  readonly index: WalIndex;
  readonly path: TimelinePath;
  /** The backup's end: up to the end of its segment the backup carries its own WAL. */
  readonly from: Lsn;
  /** Everything up to here was stored when the recovery was planned. */
  readonly until: Lsn;
}

/** What to answer when PostgreSQL asks for a file. */
export type FetchAnswer =
  | { readonly kind: 'segment'; readonly stored: StoredSegment }
  | { readonly kind: 'history'; readonly timeline: number }
  /** Proven: recovery ends here, or PostgreSQL has the file itself. */
  | { readonly kind: 'absent' }
  /** It must be there and is not: recovery must not end here. */
  | { readonly kind: 'missing'; readonly message: string };

const HISTORY = /^([0-9A-F]{8})\.history$/;

/**
 * Decides what PostgreSQL is answered. "Absent" ends a recovery, so it is said only of what lies behind the end of the plan,
 * what the backup carries itself, what another timeline of the path provides, and what is never archived.
 */
export function decideFetch(file: string, scope: FetchScope): FetchAnswer {
  const { segmentSize, histories } = scope.index;
  const history = HISTORY.exec(file)?.[1];
  if (history !== undefined) return decideHistory(Number.parseInt(history, 16), histories.keys(), scope);
  const segment = parseSegmentName(file, segmentSize);
  // .partial and .backup files are never asked for, and never stored under such names
  return segment === undefined
    ? { kind: 'absent' }
    : decideSegment(segment, segmentFinder(scope.index), scope);
}

function decideHistory(timeline: number, stored: Iterable<number>, { path, index }: FetchScope): FetchAnswer {
  if ([...stored].includes(timeline)) return { kind: 'history', timeline };
  const damage = index.damaged.find(({ message }) => message.includes(`${hex8(timeline)}.history`));
  if (damage !== undefined) return { kind: 'missing', message: damage.message };
  const needed = timeline > 1 && timeline === path.timeline;
  if (!needed) return { kind: 'absent' };
  return { kind: 'missing', message: `the history of timeline ${timeline} is missing from the archive` };
}

function decideSegment(segment: WalSegment, find: FindSegment, scope: FetchScope): FetchAnswer {
  const { path, from, until, index } = scope;
  const size = BigInt(index.segmentSize);
  const begin = segment.number * size;
  // also where something is stored: a plan may end before damage, and the server reads ahead of what it replays
  if (begin >= until) return { kind: 'absent' };
  const provider = segmentOnPath(find, path, segment.number, index.segmentSize);
  const stored = find(segment);
  if (stored !== undefined) return decideStored(stored, { begin, size, until });
  // PostgreSQL asks for the newest timeline first; an older one has this segment
  if (provider !== undefined && provider.segment.timeline !== segment.timeline) return { kind: 'absent' };
  const carried = begin < ((from + size - 1n) / size) * size;
  if (carried) return { kind: 'absent' };
  return missing(segment, begin, index.segmentSize);
}

/** A part of a segment is good enough only as the end of the plan: behind it there is nothing. */
function decideStored(
  stored: StoredSegment,
  { begin, size, until }: { readonly begin: Lsn; readonly size: bigint; readonly until: Lsn },
): FetchAnswer {
  const whole = BigInt(stored.end) === size;
  if (whole || begin + BigInt(stored.end) >= until) return { kind: 'segment', stored };
  return missing(stored.segment, begin + BigInt(stored.end), Number(size));
}

function missing(segment: WalSegment, position: Lsn, segmentSize: number): FetchAnswer {
  const name = segmentName(segment, segmentSize);
  return { kind: 'missing', message: `WAL is missing from ${formatLsn(position)} on, in segment ${name}` };
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
