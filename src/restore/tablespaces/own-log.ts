import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { parseLsn } from '../../postgres/lsn.ts';
import { segmentsOfRange } from '../../postgres/wal-segment.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { problemOfMaking, type KeepOut } from './foreign-places.ts';
import { TablespaceGuard } from './tablespace-guard.ts';

/** Bytes. */
const READ = 1024 * 1024;

type BackupLog = Pick<CommitRecord, 'walRanges' | 'walSegmentSize' | 'madeTablespaces'>;

interface Copy {
  /** Directories of its tablespaces. */
  readonly own: readonly string[];
  readonly keepOut: KeepOut;
}

/**
 * Looks at the tablespaces that the log of a backup makes, as far as the backup's record tells.
 * @throws LarderError RESTORE_REFUSED where one of them must not be made
 */
export async function assertMayMakeTablespaces(
  { madeTablespaces = [] }: BackupLog,
  copy: Copy,
): Promise<void> {
  for (const creation of madeTablespaces) {
    const problem = await problemOfMaking(creation, copy);
    if (problem !== undefined) throw problem;
  }
}

/**
 * The same of a backup by an earlier release, whose record does not tell: its log is read, where it was restored.
 * @throws LarderError RESTORE_REFUSED as `assertMayMakeTablespaces`; the system's errors
 */
export async function assertLogKeepsOut(
  dataDirectory: string,
  { walRanges, walSegmentSize: segmentSize, madeTablespaces }: BackupLog,
  keepOut: KeepOut,
): Promise<void> {
  if (madeTablespaces !== undefined) return;
  for (const { timeline, start, end } of walRanges) {
    const first = parseLsn(start) ?? 0n;
    const begin = first - (first % BigInt(segmentSize));
    const guard = new TablespaceGuard({ start: begin, segmentSize, dataDirectory, keepOut });
    for (const name of segmentsOfRange(timeline, first, parseLsn(end) ?? first, segmentSize)) {
      // a segment may have a gigabyte
      const chunks = createReadStream(join(dataDirectory, 'pg_wal', name), { highWaterMark: READ });
      for await (const bytes of chunks as AsyncIterable<Buffer>) {
        const refusal = await guard.look(bytes);
        if (refusal !== undefined && refusal.at >= first) throw refusal.error;
      }
    }
  }
}
