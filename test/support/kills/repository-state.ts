import { expect } from '@jest/globals';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readCatalogue } from '../../../src/repository/catalogue.ts';
import { commitRecordName } from '../../../src/repository/layout.ts';
import { openStore } from '../../../src/storage/open-store.ts';

/** The ids of the backups that count, oldest first; fails when one cannot be read. */
export async function backupsIn(repository: string): Promise<string[]> {
  const { backups, unreadable } = await readCatalogue(
    openStore({ kind: 'filesystem', directory: repository }),
  );
  expect(unreadable).toEqual([]);
  return backups.map(({ id }) => id);
}

/** Every file below one backup with its size and time: what a killed run must not touch. */
export function filesOf(repository: string, backups: readonly string[]): string[] {
  return allFiles(repository)
    .filter((name) => backups.includes(name.split('/')[0]!))
    .map((name) => {
      const { size, mtimeMs, ino } = statSync(join(repository, name));
      return `${name} ${size} ${mtimeMs} ${ino}`;
    });
}

/** Fails when the repository holds any file, hidden or not, but its record, one lease, and what its backups list. */
export async function expectNoLeftovers(repository: string): Promise<void> {
  const { backups } = await readCatalogue(openStore({ kind: 'filesystem', directory: repository }));
  const objects = backups.flatMap(({ id, objects }) => [
    commitRecordName(id),
    ...objects.map(({ name }) => name),
  ]);
  const found = allFiles(repository);
  expect(found.filter((name) => !name.startsWith('lease/'))).toEqual([...objects, 'repository.json'].sort());
  expect(found.filter((name) => name.startsWith('lease/'))).toHaveLength(1);
}

/** Takes a backup away again, so that the disk does not fill: the commit record first, as a deletion should. */
export function removeBackup(repository: string, id: string): void {
  rmSync(join(repository, commitRecordName(id)));
  rmSync(join(repository, id), { recursive: true });
}

function allFiles(repository: string): string[] {
  return readdirSync(repository, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)))
    .sort();
}
