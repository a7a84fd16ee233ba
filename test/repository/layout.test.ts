import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  backupOfCommitRecord,
  backupOfObject,
  backupPrefix,
  commitRecordName,
  formatBackupId,
  isClusterName,
  manifestName,
  packName,
  parseBackupId,
  REPOSITORY_FILE,
  serverManifestName,
  type BackupId,
} from '../../src/repository/layout.ts';
import { isObjectName } from '../../src/storage/object-name.ts';

const backupId: fc.Arbitrary<BackupId> = fc.record({
  type: fc.constantFrom('full' as const, 'incremental' as const),
  cluster: fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/),
    fc.constantFrom('a', 'truck_20261122_020000', 'full_backup_x', 'A-b_c'),
  ),
  started: fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000),
});

describe('the id of a backup', () => {
  test('is its type, its cluster and when it began, in UTC', () => {
    const started = Date.parse('2026-11-22T02:00:00Z');
    expect(formatBackupId({ type: 'full', cluster: 'truck', started })).toBe(
      'full_backup_truck_20261122_020000',
    );
  });

  test('is read back as it was formed', () => {
    fc.assert(
      fc.property(backupId, (id) => {
        expect(isClusterName(id.cluster)).toBe(true);
        expect(parseBackupId(formatBackupId(id))).toEqual(id);
      }),
    );
  });

  test('is nothing else, nor of a time that never was', () => {
    const others = [
      '',
      'full_backup_truck_20261122_020000/',
      'full_backup__20261122_020000',
      'full_backup_-x_20261122_020000',
      'full_backup_a/b_20261122_020000',
      'full_backup_.._20261122_020000',
      'full_backup_truck_20261132_020000',
      'full_backup_truck_20260229_020000',
      'full_backup_truck_20261122_240000',
      'full_backup_truck_20261122_026000',
      'differential_backup_truck_20261122_020000',
      `full_backup_${'n'.repeat(64)}_20261122_020000`,
      ' full_backup_truck_20261122_020000',
      'full_backup_truck_20261122_020000\n',
    ];
    for (const text of others) expect(parseBackupId(text)).toBeUndefined();
  });
});

describe('the name of a cluster', () => {
  test('can be part of an id only when it is plain', () => {
    for (const name of ['truck', 'T-1_a', '0', 'n'.repeat(63)]) expect(isClusterName(name)).toBe(true);
    for (const name of ['', '_a', '-a', 'a.b', 'a/b', '..', 'ü', 'a b', 'n'.repeat(64)])
      expect(isClusterName(name)).toBe(false);
  });
});

describe('the objects of a backup', () => {
  test('have names that every store takes, below a directory of their own', () => {
    fc.assert(
      fc.property(backupId, fc.integer({ min: 1, max: 10_000_000 }), (parts, number) => {
        const id = formatBackupId(parts);
        const names = [packName(id, number), manifestName(id), serverManifestName(id), commitRecordName(id)];
        for (const name of names) {
          expect(isObjectName(name)).toBe(true);
          expect(name.startsWith(backupPrefix(id))).toBe(true);
          expect(backupOfObject(name)).toBe(id);
          expect(backupOfCommitRecord(name)).toBe(name === commitRecordName(id) ? id : undefined);
        }
        expect(new Set(names).size).toBe(4);
      }),
    );
  });

  test('are told from those of anything else', () => {
    const id = 'full_backup_truck_20261122_020000';
    expect(packName(id, 7)).toBe(`${id}/data-00007.pack`);
    expect(packName(id, 123_456)).toBe(`${id}/data-123456.pack`);
    for (const name of [REPOSITORY_FILE, 'lease/0000000001', 'transaction_logs/1/x', 'other/other.meta'])
      expect(backupOfObject(name)).toBeUndefined();
    const records = [
      `${id}/other.meta`,
      `${id}/${id}.meta/x`,
      `${id}/x/${id}.meta`,
      `${id}.meta`,
      'x/x.meta',
    ];
    for (const name of records) expect(backupOfCommitRecord(name)).toBeUndefined();
  });
});
