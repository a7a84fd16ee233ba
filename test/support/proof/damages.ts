import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commitRecordName } from '../../../src/repository/layout.ts';
import { encodeSealedJson } from '../../../src/repository/sealed-json.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { TestRepository } from '../backup-runner.ts';

/** Writes the commit record anew, changed, and sealed as if it had always been so. */
export async function resealRecord(
  { location }: TestRepository,
  backup: CommitRecord,
  changes: Partial<CommitRecord>,
): Promise<CommitRecord> {
  const path = join(location.directory, commitRecordName(backup.id));
  const record = { ...backup, ...changes };
  await writeFile(path, encodeSealedJson(record));
  return record;
}

/** Puts another backup's object of the same name into the place of one. */
export async function takeObjectOf(
  { location }: TestRepository,
  { to, from, name }: { to: CommitRecord; from: CommitRecord; name: (id: string) => string },
): Promise<void> {
  await copyFile(join(location.directory, name(from.id)), join(location.directory, name(to.id)));
}

/** The same, and the commit record lists it as if it had always been so. */
export async function takeSealedObjectOf(
  repository: TestRepository,
  taken: { to: CommitRecord; from: CommitRecord; name: (id: string) => string },
): Promise<CommitRecord> {
  await takeObjectOf(repository, taken);
  const { to, from, name } = taken;
  const other = from.objects.find((object) => object.name === name(from.id))!;
  const objects = to.objects.map((object) =>
    object.name === name(to.id) ? { ...other, name: name(to.id) } : object,
  );
  return resealRecord(repository, to, { objects });
}
