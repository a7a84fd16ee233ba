import { LarderError } from '../errors.ts';
import { chainOf } from '../repository/backup-chain.ts';
import type { Catalogue, UnreadableBackup } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { parseBackupId } from '../repository/layout.ts';
import type { BackupFacts } from './backup-facts.ts';

/**
 * What a catalogue says of its backups. A commit record that is damaged counts as a damaged backup; one that merely could
 * not be read now makes the whole unknown: throws the error that was met.
 */
export function catalogueFacts({ backups, unreadable }: Catalogue): BackupFacts[] {
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  return [...backups.map((backup) => factsOf(backup, byId)), ...unreadable.flatMap(factsOfUnreadable)];
}

function factsOf(record: CommitRecord, byId: ReadonlyMap<string, CommitRecord>): BackupFacts {
  const { id, type, state, endTime, sourceBytes, storedBytes, warnings } = record;
  return {
    id,
    type,
    // without the backups it builds on, it is no better than one that cannot be read
    state: chainOf(record, byId) === undefined ? 'damaged' : state === 'complete' ? 'good' : state,
    ended: Date.parse(endTime),
    sourceBytes,
    storedBytes,
    pageChecksumErrors: state === 'complete' ? 0 : Math.max(1, countDamagedPages(warnings)),
  };
}

function factsOfUnreadable({ id, problem }: UnreadableBackup): BackupFacts[] {
  const { type, started } = parseBackupId(id) ?? {};
  // removed between the listing and the reading
  if (problem.code === 'BACKUP_UNKNOWN' || type === undefined || started === undefined) return [];
  if (problem.code !== 'OBJECT_DAMAGED') throw unknown(id, problem);
  const sizes = { sourceBytes: 0, storedBytes: 0, pageChecksumErrors: 0 };
  // its end is not known; its start is in its name
  return [{ id, type, state: 'damaged', ended: started, ...sizes }];
}

function unknown(id: string, problem: LarderError): LarderError {
  return new LarderError(problem.code, `the commit record of ${id} cannot be read now: ${problem.message}`, {
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    cause: problem,
  });
}

/** basebackup.c, sendFile: five warnings a file at most, then one with the file's total where that is above one. */
const ONE_PAGE = /checksum verification failed in file "(.*)", block \d+/;
const TOTAL = /file "(.*)" has a total of (\d+) checksum verification failure/;

function countDamagedPages(warnings: readonly string[]): number {
  const pages = new Map<string, number>();
  for (const warning of warnings) {
    const file = ONE_PAGE.exec(warning)?.[1];
    if (file !== undefined) pages.set(file, (pages.get(file) ?? 0) + 1);
  }
  for (const warning of warnings) {
    const [, file, total] = TOTAL.exec(warning) ?? [];
    if (file !== undefined) pages.set(file, Number(total));
  }
  return [...pages.values()].reduce((sum, count) => sum + count, 0);
}
