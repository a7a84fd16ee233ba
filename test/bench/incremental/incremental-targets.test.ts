import { expect, test } from '@jest/globals';
import { incrementalTables } from '../../../bench/incremental/incremental-report.ts';
import { incrementalTargets } from '../../../bench/incremental/incremental-targets.ts';
import { IN_SERVICE } from '../../../bench/incremental/resident.ts';
import type { IncrementalFinding, RestoreFinding } from '../../../bench/incremental/measure-incremental.ts';
import type { Measurement } from '../../../bench/measure.ts';
import { verdict } from '../../../bench/report.ts';

const MEBIBYTE = 1024 * 1024;

function took(wallSeconds: number, peakMebibytes = 100): Measurement {
  const peakBytes = peakMebibytes * MEBIBYTE;
  return { wallSeconds, cpuSeconds: 2 * wallSeconds, serverCpuSeconds: 0.25, peakBytes };
}

function contender(
  name: string,
  walls: readonly number[],
  { megabytes, archived = 0, peak = 100 }: { megabytes: number; archived?: number; peak?: number },
): IncrementalFinding['contenders'][number] {
  return {
    name,
    version: '1.2',
    backups: walls.map((wall) => took(wall, peak)),
    added: walls.map(() => ({ bytes: megabytes * 1e6, archivedBytes: archived * 1e6 })),
  };
}

function found(
  major: number,
  contenders: IncrementalFinding['contenders'],
  skipped: readonly string[] = [],
): IncrementalFinding {
  return {
    major,
    serverVersion: `${major}.6`,
    clusterBytes: 2e9,
    contenders,
    skipped,
    changes: [{ blockBytes: 10e6, logBytes: 2000 }],
    unchanged: { addedBytes: 5e6, fullBytes: 400e6 },
  };
}

/** What each target says, by what it is about. */
function verdicts(findings: Parameters<typeof incrementalTargets>[0]): Record<string, string> {
  return Object.fromEntries(incrementalTargets(findings).map((target) => [target.what, verdict(target)]));
}

test('a run in the running service is held against pg_basebackup too, and is no peer', () => {
  const finding = found(18, [
    contender('Larder', [3], { megabytes: 20 }),
    contender('pg_basebackup', [1], { megabytes: 30 }),
    contender(IN_SERVICE, [1.25], { megabytes: 20 }),
  ]);
  expect(verdicts({ compared: [finding] })).toMatchObject({
    'PostgreSQL 18, incremental in the running service: wall time, against pg_basebackup': 'missed by 0.05 ×',
  });
  const [tables = ''] = incrementalTables({ compared: [finding] });
  expect(tables).toMatch(/\| Larder, in its service \| 1\.25 \|/);
});

test('with all peers there, time and stored bytes are held against each of them by the medians', () => {
  const finding = found(18, [
    contender('Larder', [1.1, 1.2, 30], { megabytes: 20 }),
    contender('pg_basebackup', [1, 1, 1], { megabytes: 30 }),
    contender('pgBackRest', [1.5, 1.5, 9], { megabytes: 10, archived: 4 }),
  ]);
  expect(verdicts({ compared: [finding] })).toEqual({
    'PostgreSQL 18, incremental: wall time, against pg_basebackup': 'reached',
    'PostgreSQL 18, incremental: wall time, against pgBackRest': 'missed by 0.20 ×',
    'PostgreSQL 18, incremental: stored bytes, against pgBackRest': 'missed by 1.00 ×',
    "PostgreSQL 18, incremental where nothing changed: stored bytes, of the full backup's":
      'missed by 0.25 %',
    'peak resident memory: incremental backup of PostgreSQL 18': 'reached',
  });
});

test('a peer that is not there is named where it is missed', () => {
  const finding = found(17, [contender('Larder', [1], { megabytes: 20 })], ['pg_basebackup', 'pgBackRest']);
  expect(Object.values(verdicts({ compared: [finding] })).slice(0, 3)).toEqual([
    'not measured: pg_basebackup is not there',
    'not measured: pgBackRest is not there',
    'not measured: pgBackRest is not there',
  ]);
  expect(incrementalTables({ compared: [finding] })[1]).toContain(
    'Not there, so skipped: pg_basebackup, pgBackRest.',
  );
});

test('where the server tells no changes, the full backup and the changed bytes are the measure', () => {
  const finding = found(15, [
    contender('Larder', [2, 2, 2], { megabytes: 29 }),
    contender('Larder, full', [1.6, 1.6, 1.6], { megabytes: 400 }),
  ]);
  const told = verdicts({ compared: [finding] });
  expect(told['PostgreSQL 15, incremental: wall time, against our own full backup']).toBe('missed by 0.25 ×');
  expect(told['PostgreSQL 15, incremental: stored bytes, against the changed bytes']).toBe('reached');
  expect(Object.keys(told).join()).not.toContain('pgBackRest');
});

test('the memory of an incremental backup is that of our worst round', () => {
  const ours = contender('Larder', [1, 1], { megabytes: 1, peak: 200 });
  const worst = { ...ours, backups: [took(1, 200), took(1, 310)] };
  const peers = [worst, contender('pg_basebackup', [1, 1], { megabytes: 1, peak: 900 })];
  expect(verdicts({ compared: [found(18, peers)] })).toMatchObject({
    'peak resident memory: incremental backup of PostgreSQL 18': 'missed by 10 MiB',
  });
});

const restored: RestoreFinding = {
  serverVersion: '18.6',
  clusterBytes: 2e9,
  full: [took(2), took(2), took(2)],
  tip: [took(2.4, 310), took(2.4), took(9)],
  delta: [took(1.2), took(0.6), took(1.2, 150)],
  deltaOverFull: [took(1.3), took(1.3), took(1.3, 310)],
};

test('the tip is held against its full backup, the delta against a fresh restore of the same tip', () => {
  expect(verdicts({ compared: [], restore: restored })).toEqual({
    'restore of the tip of a chain of 7: wall time, against its full backup': 'missed by 0.05 ×',
    "restore --delta over yesterday's copy: wall time, against a fresh restore": 'reached',
    'restore --delta over a copy of the full backup: wall time, against a fresh restore': 'missed by 0.04 ×',
    'peak resident memory: restore of the tip of a chain of 7': 'missed by 10 MiB',
    'peak resident memory: restore --delta': 'missed by 10 MiB',
  });
});

test('without restore --delta its place says so, in the table and among the targets', () => {
  const restore = { ...restored, delta: undefined, deltaOverFull: undefined };
  expect(verdicts({ compared: [], restore })).toMatchObject({
    "restore --delta over yesterday's copy: wall time, against a fresh restore":
      'not measured: restore --delta is not built',
  });
  expect(incrementalTables({ compared: [], restore })[0]).toContain(
    '| the tip, `--delta` | skipped: restore --delta is not built |  |  |',
  );
});

test('the table has a row for each contender, and says what was counted of each', () => {
  const finding = found(18, [
    contender('Larder', [1, 2, 3], { megabytes: 20 }),
    contender('pgBackRest', [4, 4, 4], { megabytes: 30, archived: 4 }),
  ]);
  const [rows, remarks] = incrementalTables({ compared: [finding] });
  expect(rows).toContain('| Larder | 2.00 (1.00–3.00) | 4.00 (2.00–6.00), of it');
  expect(rows).toContain('| pgBackRest 1.2 | 4.00 (4.00–4.00); ours 0.50 × |');
  expect(rows).toContain('30.0 (30.0–30.0), of it archived segments 4.0 |');
  expect(remarks).toContain('10.0 MB in blocks of 8 KiB that differ');
  expect(remarks).toContain("in its archive, the segments from the backup's start to its stop");
  expect(remarks).toContain("stored 5.0 MB, 1.25 % of the full backup's 400 MB");
});
