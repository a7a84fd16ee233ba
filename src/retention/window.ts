import { passesThrough, type TimelinePath } from '../repository/wal/timeline-path.ts';
import type { RetentionPolicy } from './policy.ts';
import type { RatedBackup } from './rated-backup.ts';

/** The paths of an archive that points of the promised window lie on. */
export interface LogPaths {
  readonly systemIdentifier: string;
  /** undefined: they cannot be told, since a history is missing or damaged. */
  readonly paths: readonly TimelinePath[] | undefined;
}

/** Where the promised window begins, ms since 1970 UTC. */
export function windowStart({ transactionLog }: RetentionPolicy, now: number): number {
  return now - transactionLog;
}

/**
 * The backups that the first points of the promised window are reached from: on each path the newest good one that ended
 * before it begins.
 * @param backups of one lineage
 */
export function windowAnchors(
  backups: readonly RatedBackup[],
  logs: readonly LogPaths[],
  from: number,
): Set<RatedBackup> {
  const anchors = new Set<RatedBackup>();
  for (const { systemIdentifier, paths } of logs) {
    const own = backups.filter(({ record }) => record.systemIdentifier === systemIdentifier);
    for (const path of paths ?? [undefined]) {
      const anchor = anchorOn(path === undefined ? own : onPath(own, path), from);
      if (anchor !== undefined) anchors.add(anchor);
    }
  }
  return anchors;
}

/** The backups that who follows the path passes through. */
export function onPath(backups: readonly RatedBackup[], path: TimelinePath): RatedBackup[] {
  return backups.filter(({ timeline, stopLsn: lsn }) => passesThrough(path, { timeline, lsn }));
}

/** The newest good one that ended at or before a time. */
export function anchorOn(backups: readonly RatedBackup[], from: number): RatedBackup | undefined {
  const before = backups.filter(({ good, ended }) => good && ended <= from);
  return before.reduce<RatedBackup | undefined>(
    (best, backup) => (best !== undefined && best.ended > backup.ended ? best : backup),
    undefined,
  );
}
