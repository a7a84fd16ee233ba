import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import type { CommitRecord } from '../repository/commit-record.ts';

/** What is kept of a commit record, which never changes: thousands of them whole would fill the memory. */
export interface RecordFacts extends Pick<
  CommitRecord,
  | 'id'
  | 'type'
  | 'parent'
  | 'chain'
  | 'state'
  | 'systemIdentifier'
  | 'timeline'
  | 'sourceBytes'
  | 'storedBytes'
> {
  /** Milliseconds since 1970 UTC. */
  readonly ended: number;
  /** Its own end. */
  readonly stop: Lsn;
  readonly pageChecksumErrors: number;
}

export function recordFacts(record: CommitRecord): RecordFacts {
  const { id, type, parent, chain, state, systemIdentifier, timeline, sourceBytes, storedBytes } = record;
  return {
    ...{ id, type, parent, chain, state, systemIdentifier, timeline, sourceBytes, storedBytes },
    ended: Date.parse(record.endTime),
    // the record's schema has checked that it is one
    stop: parseLsn(record.stopLsn) ?? 0n,
    pageChecksumErrors: state === 'complete' ? 0 : Math.max(1, countDamagedPages(record.warnings)),
  };
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
