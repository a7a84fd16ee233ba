import { LarderError, toLarderError } from '../errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { missingOn, type MissingWal } from '../repository/wal/missing-wal.ts';
import {
  knownTimelines,
  pathTo,
  storedTimelines,
  type TimelinePath,
} from '../repository/wal/timeline-path.ts';
import type { WalIndex } from '../repository/wal/wal-index.ts';
import { positionName } from '../repository/wal/wal-layout.ts';
import type { RollForward } from '../restore/recovery/roll-forward.ts';

/** A hole, and whether anything would have to go through it. */
export interface ArchiveHole extends MissingWal {
  /** Whether a backup lies before it that would be rolled forward, or none is there that could lie behind it. */
  readonly needed: boolean;
}

/** Every hole of the archive, oldest first: those between stored stretches, and those in front of the first one. */
export function archiveHoles(index: WalIndex, backups: readonly RollForward[]): ArchiveHole[] {
  const holes = new Map<string, MissingWal>();
  const behindBackups = backups.flatMap(({ hole }) => hole ?? []);
  for (const hole of [...tipPaths(index).flatMap((path) => missingOn(index, path)), ...behindBackups]) {
    // a backup carries the beginning of some holes itself; their end is the same for all
    const key = `${hole.segment.slice(0, 8)} ${hole.end}`;
    const known = holes.get(key);
    if (known === undefined || hole.start < known.start) holes.set(key, hole);
  }
  const needed = ({ end }: MissingWal): boolean =>
    backups.length === 0 || backups.some(({ from, removed }) => !removed && from.lsn < end);
  return [...holes.values()]
    .sort((a, b) => (a.start < b.start ? -1 : 1))
    .map((hole) => ({ ...hole, needed: needed(hole) }));
}

export function holeProblem({ start, end, segment, object, recorded }: MissingWal): LarderError {
  const why = recorded === undefined ? '' : ` (recorded ${recorded.recorded}: ${recorded.detail})`;
  return new LarderError(
    'WAL_GAP',
    `WAL is missing from ${formatLsn(start)} to ${formatLsn(end)}, beginning with segment ${segment}${why}: ${object}`,
  );
}

/** An archive that does not say how far it once reached cannot be told from one that lost its end. */
export function unknownEnd(index: WalIndex): LarderError[] {
  const { received, damaged, segments, tails, systemIdentifier } = index;
  const name = positionName(systemIdentifier);
  if (received !== undefined || segments.length + tails.length === 0) return [];
  if (damaged.some(({ message }) => message.includes(name))) return [];
  return [
    new LarderError(
      'OBJECT_MISSING',
      `${name} is missing, so nobody can tell whether WAL was lost from the end; "larder wal receive" writes it anew`,
    ),
  ];
}

/** Timelines whose history is missing, so that nobody can tell where they came from. */
export function lostHistories(index: WalIndex): LarderError[] {
  return knownTimelines(index).flatMap((timeline) => {
    try {
      pathTo(index, timeline);
      return [];
    } catch (thrown) {
      return [toLarderError(thrown)];
    }
  });
}

/** The ways to the timelines that no other one branched off; those whose history is lost are told of by what needs them. */
function tipPaths(index: WalIndex): TimelinePath[] {
  const timelines = storedTimelines(index);
  const parents = new Set([...index.histories.values()].flat().map(({ timeline }) => timeline));
  const placed = timelines.filter((timeline) => timeline === 1 || index.histories.has(timeline));
  return placed.filter((timeline) => !parents.has(timeline)).map((timeline) => pathTo(index, timeline));
}
