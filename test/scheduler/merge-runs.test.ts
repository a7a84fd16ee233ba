import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mergeRuns, unknownRuns } from '../../src/scheduler/merge-runs.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

const MINUTE = 60_000;
const rebuilt = (id: string, started: number, fields = {}) =>
  anEndedRun({ id, started, reason: 'rebuilt', backupId: `backup ${id}`, ...fields });

test('a backup is known by its name, whichever kind of run made it; not by a run that was broken off', () => {
  const found = rebuilt('a', 10 * MINUTE);
  const known = anEndedRun({ task: 'backup_incremental', started: 9 * MINUTE, backupId: 'backup a' });
  expect(unknownRuns([known], [found])).toEqual([]);
  expect(unknownRuns([{ ...known, cluster: 'van' }], [found])).toEqual([found]);
  expect(unknownRuns([{ ...known, result: 'interrupted' }], [found])).toEqual([found]);
  expect(unknownRuns([anEndedRun({ task: 'verify', backupId: 'backup a' })], [found])).toEqual([found]);
});

test('what goes on may be about to write down the very same', () => {
  const found = rebuilt('a', 10 * MINUTE);
  expect(unknownRuns([aRun({ started: 10 * MINUTE + 500 })], [found])).toEqual([]);
  expect(unknownRuns([aRun({ started: 12 * MINUTE })], [found])).toEqual([found]);
});

test('a proof is known by a run about the same backup that spans it: there may be several', () => {
  const proof = (at: number) =>
    anEndedRun({ id: 'p', task: 'verify', reason: 'rebuilt', backupId: 'b', started: at, ended: at });
  const run = anEndedRun({ task: 'verify', backupId: 'b', started: 10 * MINUTE });
  expect(unknownRuns([run], [proof(11 * MINUTE)])).toEqual([]);
  expect(unknownRuns([run], [proof(20 * MINUTE)])).toHaveLength(1);
  expect(unknownRuns([{ ...run, backupId: 'other' }], [proof(11 * MINUTE)])).toHaveLength(1);
});

test('a seal is known by a run that spans it', () => {
  const seal = (started: number) =>
    anEndedRun({ id: 'seal', task: 'transaction_log', reason: 'rebuilt', started, ended: started + 1000 });
  const run = anEndedRun({ task: 'transaction_log', started: 10 * MINUTE });
  expect(unknownRuns([run], [seal(10 * MINUTE + 5000)])).toEqual([]);
  expect(unknownRuns([run], [seal(20 * MINUTE)])).toHaveLength(1);
});

test('the same results are found once, however often they are looked for', () => {
  const found = [rebuilt('a', 1), rebuilt('b', 2)];
  expect(unknownRuns(mergeRuns([], found), found)).toEqual([]);
});

test('runs on record keep their order, and what is found stands in its place among them', () => {
  const [first, jumped, last] = [10, 9999, 30].map((started) => anEndedRun({ started }));
  const found = [rebuilt('c', 40), rebuilt('a', 5), rebuilt('b', 20)];
  const merged = mergeRuns([first!, jumped!, last!], found).map(({ started }) => started);
  expect(merged).toEqual([5, 10, 20, 9999, 30, 40]);
});

test('of runs in order and runs in any order comes an order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.array(fc.nat()), (known, found) => {
      const onRecord = known.sort((a, b) => a - b).map((started) => anEndedRun({ started }));
      const merged = mergeRuns(
        onRecord,
        found.map((started, n) => rebuilt(`${n}`, started)),
      ).map(({ started }) => started);
      expect(merged).toEqual([...known, ...found].sort((a, b) => a - b));
    }),
  );
});
