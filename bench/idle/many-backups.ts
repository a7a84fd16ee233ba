import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readCatalogue } from '../../src/repository/catalogue.ts';
import { encodeCommitRecord, type CommitRecord } from '../../src/repository/commit-record.ts';
import {
  commitRecordName,
  formatBackupId,
  manifestName,
  packName,
  serverManifestName,
} from '../../src/repository/layout.ts';
import { openStore } from '../../src/storage/open-store.ts';

/** Between two backups, so that all of them lie within two years and a half, milliseconds. */
const APART = 4 * 3_600_000;

/**
 * Lays full backups before the one that a repository holds: commit records like its own, and small objects in the places of
 * large ones, so that a listing meets as many names as it would.
 */
export async function layBackupsBefore(directory: string, count: number): Promise<void> {
  const { backups } = await readCatalogue(openStore({ kind: 'filesystem', directory }));
  const newest = backups.at(-1);
  if (newest === undefined) throw new Error(`${directory} holds no backup`);
  for (let back = 1; back <= count; back++) await layBackup(directory, newest, back * APART);
}

async function layBackup(directory: string, like: CommitRecord, earlier: number): Promise<void> {
  const started = Math.floor((Date.parse(like.startTime) - earlier) / 1000) * 1000;
  const id = formatBackupId({ type: 'full', cluster: like.cluster, started });
  const record: CommitRecord = {
    ...like,
    id,
    chain: id,
    startTime: new Date(started).toISOString(),
    endTime: new Date(started + 60_000).toISOString(),
    objects: like.objects.map((object) => ({ ...object, name: object.name.replaceAll(like.id, id) })),
  };
  const places = [packName(id, 1), packName(id, 2), manifestName(id), serverManifestName(id)];
  await mkdir(dirname(join(directory, commitRecordName(id))), { recursive: true });
  for (const name of places) await writeFile(join(directory, name), '');
  await writeFile(join(directory, commitRecordName(id)), encodeCommitRecord(record));
}
