import { expect, test } from '@jest/globals';
import { dueVerifications } from '../../src/scheduler/due-verifications.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

const made = (backupId: string) => anEndedRun({ backupId });
const verified = (backupId: string, fields: Parameters<typeof anEndedRun>[0] = {}) =>
  anEndedRun({ task: 'verify', reason: 'after_backup', backupId, ...fields });
const died = (backupId: string) =>
  aRun({ task: 'verify', reason: 'after_backup', backupId, result: 'interrupted' });

test('every backup since the last one that was verified is due, oldest first', () => {
  const runs = [made('a'), verified('a'), made('b'), made('c')];
  expect(dueVerifications(runs, true)).toEqual(['b', 'c']);
  expect(dueVerifications([...runs, verified('b'), verified('c')], true)).toEqual([]);
});

test('where none was ever verified, the newest alone is due', () => {
  expect(dueVerifications([made('a'), made('b')], true)).toEqual(['b']);
});

test('a verification that failed or goes on is not due again; one that was interrupted is, but not for ever', () => {
  expect(dueVerifications([made('a'), verified('a', { result: 'failure' })], true)).toEqual([]);
  expect(dueVerifications([made('a'), aRun({ task: 'verify', backupId: 'a' })], true)).toEqual([]);
  expect(dueVerifications([made('a'), died('a'), died('a')], true)).toEqual(['a']);
  expect(dueVerifications([made('a'), died('a'), died('a'), died('a')], true)).toEqual([]);
});

test('without verification after backups, only what was asked for and interrupted is due', () => {
  expect(dueVerifications([made('a'), made('b')], false)).toEqual([]);
  expect(dueVerifications([made('b'), { ...died('a'), reason: 'request' }], false)).toEqual(['a']);
});

test('a backup that failed is not verified', () => {
  expect(dueVerifications([anEndedRun({ backupId: 'a', result: 'failure' })], true)).toEqual([]);
});
