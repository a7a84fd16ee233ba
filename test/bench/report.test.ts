import { expect, test } from '@jest/globals';
import type { Measurement } from '../../bench/measure.ts';
import { renderReport, verdict } from '../../bench/report.ts';
import type { PeerRuns } from '../../bench/rounds.ts';
import { sumCheckpoints } from '../../bench/server.ts';
import { median, targetsOf } from '../../bench/targets.ts';

const MEBIBYTE = 1024 * 1024;

function took(wallSeconds: number, cpuSeconds: number, peakMebibytes = 100): Measurement {
  return { wallSeconds, cpuSeconds, serverCpuSeconds: 0, peakBytes: peakMebibytes * MEBIBYTE };
}

function runsOf(name: string, walls: readonly number[], peak = 100): PeerRuns {
  const runs = walls.map((wall) => took(wall, 2 * wall, peak));
  return { name, version: '1', backups: runs, storedBytes: walls.map(() => 1e9), restores: [] };
}

test('the median of an even number lies between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeUndefined();
});

test('a ratio is that of the medians, so one disturbed round changes little', () => {
  const peers = [runsOf('Larder', [5, 6, 60]), runsOf('pgBackRest', [10, 10, 11])];
  const [wall, stored, cpu] = targetsOf({ peers, memory: [], small: [] });
  expect(wall).toMatchObject({ value: 0.6, limit: 0.6 });
  expect(stored).toMatchObject({ value: 1, limit: 1.1 });
  expect(cpu).toMatchObject({ value: 0.6, limit: 0.7 });
});

test('without pgBackRest the ratios are said to be not measured, neither reached nor missed', () => {
  const [wall] = targetsOf({ peers: [runsOf('Larder', [5])], memory: [], small: [] });
  expect(wall && verdict(wall)).toBe('not measured: pgBackRest is not there');
});

test('the limit on memory is broken by the worst round, not by the median', () => {
  const steady = runsOf('Larder', [1, 1]);
  const peers = [{ ...steady, backups: [took(1, 1, 200), took(1, 1, 320)] }];
  const memory = targetsOf({ peers, memory: [], small: [] }).find(({ unit }) => unit === 'MiB');
  expect(memory && verdict(memory)).toBe('missed by 20 MiB');
});

test('a limit that is met exactly is reached', () => {
  expect(verdict({ what: 'x', value: 9, limit: 9, unit: 'objects' })).toBe('reached');
  expect(verdict({ what: 'x', value: 10, limit: 9, unit: 'objects' })).toBe('missed by 1 objects');
});

test('where more is better, less than the limit is missed', () => {
  const target = { what: 'x', limit: 0.9, bound: 'at least', unit: '×' } as const;
  expect(verdict({ ...target, value: 0.9 })).toBe('reached');
  expect(verdict({ ...target, value: 1.2 })).toBe('reached');
  expect(verdict({ ...target, value: 0.8 })).toBe('missed by 0.10 ×');
});

test('the report names what was skipped, what was measured and on what', () => {
  const circumstances = {
    date: '2026-11-22 12:00',
    commit: 'abc1234',
    machine: '2 × CPU',
    versions: ['Node 24'],
    skipped: ['pgBackRest'],
    rounds: 3,
    clusterBytes: 2e9,
  };
  const small = [{ clusterBytes: 40e6, wallSeconds: 1.5, checkpointSeconds: 0.2, objects: 5 }];
  const text = renderReport(circumstances, { peers: [runsOf('Larder', [4, 6])], memory: [], small });
  expect(text).toContain('## 2026-11-22 12:00, commit abc1234');
  expect(text).toContain('Not there, so skipped: pgBackRest.');
  expect(text).toContain('| Larder | 5.00 (4.00–6.00) | 10.00 (8.00–12.00) | 100 (100–100) | 1000 |');
  expect(text).toContain('| 40 | 1.50 | 0.20 | 5 |');
  expect(text).toContain('| fresh cluster: time beyond the checkpoint | 1.30 s | 2.00 s | reached |');
});

test('the time of all checkpoints in a log is added up', () => {
  const log = [
    'LOG:  checkpoint starting: immediate force wait',
    'LOG:  checkpoint complete: wrote 3 buffers (0.0%); write=0.101 s, sync=0.001 s, total=0.106 s; sync files=2',
    'LOG:  checkpoint complete: wrote 9 buffers (0.1%); write=1.101 s, sync=0.001 s, total=1.200 s; sync files=2',
  ].join('\n');
  expect(sumCheckpoints(log)).toBeCloseTo(1.306);
});
