import { describe, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { catalogueFacts, type ListedBackups } from '../../src/observability/catalogue-facts.ts';
import type { ProofMark } from '../../src/observability/proof-marks.ts';
import { recordFacts } from '../../src/observability/record-facts.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { commitRecord } from '../support/commit-records.ts';

const id = 'full_backup_truck_20261122_020000';
const record = (fields: Partial<CommitRecord> = {}): CommitRecord =>
  commitRecord('2026-11-22T02:00:00Z', { sourceBytes: 20, storedBytes: 5, ...fields });
const NOTHING: ListedBackups = { records: [], unreadable: [], proofs: new Map() };
const facts = (records: CommitRecord[], more: Partial<ListedBackups> = {}) =>
  catalogueFacts({ ...NOTHING, records: records.map(recordFacts), ...more });
const unreadable = (problem: LarderError) => facts([], { unreadable: [{ id, problem }] });

test('a complete backup is good, with its end and its sizes', () => {
  expect(facts([record()])).toEqual([
    {
      id,
      type: 'full',
      state: 'good',
      ended: Date.parse('2026-11-22T02:01:30Z'),
      sourceBytes: 20,
      storedBytes: 5,
      pageChecksumErrors: 0,
      chainLength: 0,
      verified: undefined,
      end: { systemIdentifier: '7381902837465019283', timeline: 1, lsn: 0x4000158n },
    },
  ]);
});

test('a proof says when it was stored; a backup that did not pass one is not good any more', () => {
  const proof = (result: ProofMark['result']) => ({
    proofs: new Map([[id, { backup: id, result, number: 1, modified: 1000 }]]),
  });
  expect(facts([record()], proof('verified'))).toMatchObject([{ state: 'good', verified: 1000 }]);
  expect(facts([record()], proof('quarantined'))).toMatchObject([{ state: 'quarantined' }]);
  expect(facts([record({ state: 'corrupt_source' })], proof('quarantined'))).toMatchObject([
    { state: 'corrupt_source' },
  ]);
});

test('an incremental backup is as damaged as one that cannot be read, when a backup it builds on is missing', () => {
  const next = record({ id: 'incremental_backup_truck_20261123_020000', type: 'incremental', parent: id });
  expect(facts([record(), next])).toMatchObject([
    { state: 'good', chainLength: 0 },
    { state: 'good', chainLength: 1 },
  ]);
  expect(facts([next])).toMatchObject([{ state: 'damaged', chainLength: 0 }]);
});

describe('the damaged pages of a damaged cluster', () => {
  const pagesOf = (...warnings: string[]) => facts([record({ state: 'corrupt_source', warnings })])[0];

  test('are counted over all files, by the total of a file where the server gives one', () => {
    const failed = (file: string, block: number) =>
      `WARNING: checksum verification failed in file "${file}", block ${block}: calculated 1A but expected 2B`;
    expect(
      pagesOf(
        failed('./base/5/1', 7),
        failed('./base/5/2', 1),
        failed('./base/5/2', 2),
        'WARNING: file "./base/5/2" has a total of 40 checksum verification failures',
      ),
    ).toMatchObject({ state: 'corrupt_source', pageChecksumErrors: 41 });
  });

  test('are one at least, whatever language the server speaks', () => {
    expect(pagesOf('WARNUNG: Prüfsummenfehler')).toMatchObject({ pageChecksumErrors: 1 });
  });
});

describe('a commit record that cannot be read', () => {
  test('is a damaged backup when it is damaged', () => {
    expect(unreadable(new LarderError('OBJECT_DAMAGED', 'torn'))).toMatchObject([
      { state: 'damaged', ended: Date.parse('2026-11-22T02:00:00Z') },
    ]);
  });

  test('is no backup when it was removed meanwhile', () => {
    expect(unreadable(new LarderError('BACKUP_UNKNOWN', 'gone'))).toEqual([]);
  });

  test.each(['REPOSITORY_UNREACHABLE', 'REPOSITORY_NEWER_FORMAT'] as const)(
    'makes the whole unknown when the reason is %s',
    (code) => {
      expect(() => unreadable(new LarderError(code, 'not now'))).toThrow(expect.objectContaining({ code }));
    },
  );
});
