import { describe, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { catalogueFacts } from '../../src/observability/catalogue-facts.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';

const id = 'full_backup_truck_20261122_020000';
const record = (fields: Partial<CommitRecord> = {}): CommitRecord =>
  ({
    id,
    type: 'full',
    parent: null,
    chain: id,
    state: 'complete',
    endTime: '2026-11-22T02:10:00.000Z',
    sourceBytes: 20,
    storedBytes: 5,
    warnings: [],
    ...fields,
  }) as unknown as CommitRecord;
const unreadable = (problem: LarderError) =>
  catalogueFacts({ backups: [], unreadable: [{ id, problem }], proofs: new Map() });

test('a complete backup is good, with its end and its sizes', () => {
  expect(catalogueFacts({ backups: [record()], unreadable: [], proofs: new Map() })).toEqual([
    {
      id,
      type: 'full',
      state: 'good',
      ended: Date.parse('2026-11-22T02:10:00Z'),
      sourceBytes: 20,
      storedBytes: 5,
      pageChecksumErrors: 0,
    },
  ]);
});

test('an incremental backup is as damaged as one that cannot be read, when a backup it builds on is missing', () => {
  const next = record({ id: 'incremental_backup_truck_20261123_020000', type: 'incremental', parent: id });
  const states = (backups: CommitRecord[]) =>
    catalogueFacts({ backups, unreadable: [], proofs: new Map() }).map(({ state }) => state);
  expect(states([record(), next])).toEqual(['good', 'good']);
  expect(states([next])).toEqual(['damaged']);
});

describe('the damaged pages of a damaged cluster', () => {
  const pagesOf = (...warnings: string[]) =>
    catalogueFacts({ backups: [record({ state: 'corrupt_source', warnings })], unreadable: [], proofs: new Map() })[0];

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
