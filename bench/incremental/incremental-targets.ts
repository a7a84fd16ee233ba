import type { Measurement } from '../measure.ts';
import { median, type Target } from '../targets.ts';
import type { IncrementalRuns } from './compare-incrementals.ts';
import { FULL_BACKUPS } from './contender.ts';
import { IN_SERVICE } from './resident.ts';
import type { IncrementalFinding, IncrementalFindings, RestoreFinding } from './measure-incremental.ts';

const MEBIBYTE = 1024 * 1024;
const MEMORY_LIMIT = 300;

/** The targets of issue 4 that the findings speak of. */
export function incrementalTargets({ compared, restore }: IncrementalFindings): Target[] {
  return [...compared.flatMap(findingTargets), ...(restore === undefined ? [] : restoreTargets(restore))];
}

function findingTargets(finding: IncrementalFinding): Target[] {
  const { major, contenders } = finding;
  const ours = contenders.find(({ name }) => name === 'Larder');
  if (ours === undefined) return [];
  const isComparedWithFull = contenders.some(({ name }) => name === FULL_BACKUPS);
  return [
    ...(isComparedWithFull ? againstFull(finding, ours) : againstPeers(finding, ours)),
    unchangedTarget(finding),
    peak(`incremental backup of PostgreSQL ${major}`, ours.backups),
  ];
}

function againstPeers({ major, contenders }: IncrementalFinding, ours: IncrementalRuns): Target[] {
  const against = (
    peer: string,
    { what, limit, of }: { what: string; limit: number; of: (runs: IncrementalRuns) => readonly number[] },
  ): Target => {
    const theirs = contenders.find(({ name }) => name === peer);
    return {
      what: `PostgreSQL ${major}, incremental: ${what}, against ${peer}`,
      value: theirs === undefined ? undefined : ratio(of(ours), of(theirs)),
      missing: `${peer} is not there`,
      limit,
      unit: '×',
    };
  };
  const inService = (resident: IncrementalRuns): Target => {
    const theirs = contenders.find(({ name }) => name === 'pg_basebackup');
    return {
      what: `PostgreSQL ${major}, incremental in the running service: wall time, against pg_basebackup`,
      value: theirs === undefined ? undefined : ratio(wallSeconds(resident), wallSeconds(theirs)),
      missing: 'pg_basebackup is not there',
      limit: 1.2,
      unit: '×',
    };
  };
  const resident = contenders.find(({ name }) => name === IN_SERVICE);
  return [
    against('pg_basebackup', { what: 'wall time', limit: 1.2, of: wallSeconds }),
    ...(resident === undefined ? [] : [inService(resident)]),
    against('pgBackRest', { what: 'wall time', limit: 0.6, of: wallSeconds }),
    against('pgBackRest', { what: 'stored bytes', limit: 1, of: storedBytes }),
  ];
}

function againstFull({ major, contenders, changes }: IncrementalFinding, ours: IncrementalRuns): Target[] {
  const full = contenders.find(({ name }) => name === FULL_BACKUPS);
  const changed = changes.map(({ blockBytes, logBytes }) => blockBytes + logBytes);
  return [
    {
      what: `PostgreSQL ${major}, incremental: wall time, against our own full backup`,
      value: ratio(wallSeconds(ours), full === undefined ? [] : wallSeconds(full)),
      limit: 1,
      unit: '×',
    },
    {
      what: `PostgreSQL ${major}, incremental: stored bytes, against the changed bytes`,
      value: ratio(storedBytes(ours), changed),
      limit: 3,
      unit: '×',
    },
  ];
}

function unchangedTarget({ major, unchanged }: IncrementalFinding): Target {
  return {
    what: `PostgreSQL ${major}, incremental where nothing changed: stored bytes, of the full backup's`,
    value: (100 * unchanged.addedBytes) / unchanged.fullBytes,
    limit: 1,
    unit: '%',
  };
}

function restoreTargets({ full, tip, delta, deltaOverFull }: RestoreFinding): Target[] {
  const seconds = (runs: readonly Measurement[]): number[] => runs.map((run) => run.wallSeconds);
  return [
    {
      what: 'restore of the tip of a chain of 7: wall time, against its full backup',
      value: ratio(seconds(tip), seconds(full)),
      limit: 1.15,
      unit: '×',
    },
    {
      what: "restore --delta over yesterday's copy: wall time, against a fresh restore",
      value: delta === undefined ? undefined : ratio(seconds(delta), seconds(tip)),
      missing: 'restore --delta is not built',
      limit: 0.5,
      unit: '×',
    },
    {
      what: 'restore --delta over a copy of the full backup: wall time, against a fresh restore',
      value: deltaOverFull === undefined ? undefined : ratio(seconds(deltaOverFull), seconds(tip)),
      missing: 'restore --delta is not built',
      limit: 0.5,
      unit: '×',
    },
    peak('restore of the tip of a chain of 7', tip),
    ...(delta === undefined ? [] : [peak('restore --delta', [...delta, ...(deltaOverFull ?? [])])]),
  ];
}

/** The worst round counts. */
function peak(what: string, runs: readonly Measurement[]): Target {
  const value = Math.max(...runs.map(({ peakBytes }) => peakBytes)) / MEBIBYTE;
  return { what: `peak resident memory: ${what}`, value, limit: MEMORY_LIMIT, unit: 'MiB' };
}

function wallSeconds({ backups }: IncrementalRuns): number[] {
  return backups.map((run) => run.wallSeconds);
}

function storedBytes({ added }: IncrementalRuns): number[] {
  return added.map(({ bytes }) => bytes);
}

/** Of the medians. */
function ratio(ours: readonly number[], theirs: readonly number[]): number | undefined {
  const [mine, other] = [median(ours), median(theirs)];
  return mine === undefined || other === undefined ? undefined : mine / other;
}
