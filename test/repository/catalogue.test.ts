import { beforeEach, describe, expect, test } from '@jest/globals';
import { findBackup, readCatalogue, readCommitRecord } from '../../src/repository/catalogue.ts';
import { encodeCommitRecord, type CommitRecord } from '../../src/repository/commit-record.ts';
import { commitRecordName, manifestName } from '../../src/repository/layout.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { commitRecord } from '../support/commit-records.ts';
import { FakeClock } from '../support/fake-clock.ts';

const monday = commitRecord('2026-11-16T02:00:00Z');
const tuesday = commitRecord('2026-11-17T02:00:00Z');
const wednesday = commitRecord('2026-11-18T02:00:00Z');
let store: ObjectStore;

beforeEach(() => {
  store = openMemoryStore(new FakeClock());
});

async function keep(...records: CommitRecord[]): Promise<void> {
  for (const record of records)
    await store.putIfAbsent(commitRecordName(record.id), encodeCommitRecord(record));
}

async function damage({ id }: CommitRecord): Promise<void> {
  await store.replace(commitRecordName(id), Buffer.from('{}'));
}

describe('the catalogue', () => {
  test('holds every committed backup, oldest first, whatever order the store lists them in', async () => {
    await keep(wednesday, monday, tuesday);
    await store.putIfAbsent(manifestName('full_backup_truck_20261119_020000'), Buffer.of(1));
    await store.putIfAbsent('repository.json', Buffer.of(1));
    expect(await readCatalogue(store)).toEqual({
      backups: [monday, tuesday, wednesday],
      unreadable: [],
      proofs: new Map(),
    });
  });

  test('of an empty repository is empty', async () => {
    expect(await readCatalogue(store)).toEqual({ backups: [], unreadable: [], proofs: new Map() });
  });

  test('shows a backup whose record is damaged, and the others all the same', async () => {
    await keep(monday, tuesday);
    await damage(monday);
    const { backups, unreadable } = await readCatalogue(store);
    expect(backups).toEqual([tuesday]);
    expect(unreadable).toMatchObject([{ id: monday.id, problem: { code: 'OBJECT_DAMAGED' } }]);
  });

  test('shows a backup that a later release made', async () => {
    await store.putIfAbsent(commitRecordName(monday.id), Buffer.from('{"formatVersion": 3}'));
    expect((await readCatalogue(store)).unreadable).toMatchObject([
      { id: monday.id, problem: { code: 'REPOSITORY_NEWER_FORMAT' } },
    ]);
  });

  test('takes no record for that of another backup', async () => {
    await store.putIfAbsent(commitRecordName(tuesday.id), encodeCommitRecord(monday));
    const refused = {
      code: 'OBJECT_DAMAGED',
      message: expect.stringContaining(`the commit record of ${monday.id}`),
    };
    await expect(readCommitRecord(store, tuesday.id)).rejects.toMatchObject(refused);
    expect((await readCatalogue(store)).unreadable).toMatchObject([{ id: tuesday.id, problem: refused }]);
  });
});

describe('a backup that somebody asks for', () => {
  test('is found by its id', async () => {
    await keep(monday, tuesday);
    expect(await findBackup(store, monday.id)).toEqual(monday);
  });

  test('is unknown when there is none of that id, or the text is no id at all', async () => {
    await keep(monday);
    for (const id of [tuesday.id, '', '../../etc/passwd', 'latest ', 'x'.repeat(10_000)]) {
      await expect(findBackup(store, id)).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN' });
      const { message } = await findBackup(store, id).then(
        () => ({ message: '' }),
        (error: unknown) => error as Error,
      );
      expect(message.length).toBeLessThan(300);
    }
  });

  test('as the latest is the newest complete one', async () => {
    await keep(monday, tuesday, { ...wednesday, state: 'corrupt_source' });
    expect(await findBackup(store, 'latest')).toEqual(tuesday);
  });

  test('as the latest is nothing when none is complete', async () => {
    await expect(findBackup(store, 'latest')).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN' });
    await keep({ ...monday, state: 'corrupt_source' });
    await expect(findBackup(store, 'latest')).rejects.toThrow('memory holds no complete backup');
  });

  test('as the latest is refused while a newer one cannot be read, not while an older one cannot', async () => {
    await keep(monday, tuesday, wednesday);
    await damage(monday);
    expect(await findBackup(store, 'latest')).toEqual(wednesday);
    await damage(wednesday);
    await expect(findBackup(store, 'latest')).rejects.toMatchObject({
      code: 'OBJECT_DAMAGED',
      message: expect.stringContaining(`a backup newer than ${tuesday.id} cannot be read`),
      hint: expect.stringContaining(tuesday.id),
    });
  });
});
