import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import { majorOf } from '../postgres/version.ts';
import { chainOf } from '../repository/backup-chain.ts';
import type { CommitRecord } from '../repository/commit-record.ts';

/** A backup with what the rules ask of it. Times are ms since 1970 UTC. */
export interface RatedBackup {
  readonly id: string;
  readonly record: CommitRecord;
  readonly started: number;
  readonly ended: number;
  /** Complete, all that it builds on is there, none of it quarantined, and it does not lie ahead of the clock: only such a one counts. */
  readonly good: boolean;
  readonly timeline: number;
  /** The first position of the log that it stands for. */
  readonly startLsn: Lsn;
  /** Its own end. */
  readonly stopLsn: Lsn;
}

interface Known {
  readonly backups: readonly CommitRecord[];
  readonly quarantined: ReadonlySet<string>;
}

/**
 * The backups of each lineage, oldest first. Each lineage is judged by itself: after pg_upgrade or initdb the backups of the
 * old one do not become needless.
 */
export function byLineage({ backups, quarantined }: Known, now: number): Map<string, RatedBackup[]> {
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  const isSound = (record: CommitRecord): boolean =>
    chainOf(record, byId)?.every(({ id }) => !quarantined.has(id)) === true;
  const rated = backups.map((record) => rate(record, isSound(record), now));
  rated.sort((a, b) => a.started - b.started || (a.id < b.id ? -1 : 1));
  return Map.groupBy(rated, ({ record }) => lineageOf(record));
}

function lineageOf({ systemIdentifier, serverVersionNumber }: CommitRecord): string {
  return `${systemIdentifier}/${majorOf(serverVersionNumber)}`;
}

function rate(record: CommitRecord, isSound: boolean, now: number): RatedBackup {
  const { id, startTime, endTime, timeline, startLsn, stopLsn, walRanges } = record;
  const [started, ended] = [Date.parse(startTime), Date.parse(endTime)];
  const ahead = started > now;
  return {
    id,
    record,
    started,
    ended,
    good: record.state === 'complete' && !ahead && isSound,
    timeline,
    startLsn: lowest([startLsn, ...walRanges.map(({ start }) => start)]),
    stopLsn: parseLsn(stopLsn) ?? 0n,
  };
}

/** The commit record's schema has checked that each is a position. */
function lowest(positions: readonly string[]): Lsn {
  const lsns = positions.map((text) => parseLsn(text) ?? 0n);
  return lsns.reduce((min, lsn) => (lsn < min ? lsn : min));
}
