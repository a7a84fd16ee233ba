import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { parseLsn } from '../../postgres/lsn.ts';
import { segmentsOfRange } from '../../postgres/wal-segment.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { TablespaceGuard, type KeepOut } from './tablespace-guard.ts';

/** Bytes. */
const READ = 1024 * 1024;

/**
 * Looks at the log that came with a backup, in the directory it was restored into.
 * @throws LarderError RESTORE_REFUSED where it makes a tablespace that must not be made; the system's errors
 */
export async function assertOwnLogKeepsOut(
  dataDirectory: string,
  { walRanges, walSegmentSize: segmentSize }: Pick<CommitRecord, 'walRanges' | 'walSegmentSize'>,
  keepOut: KeepOut,
): Promise<void> {
  for (const { timeline, start, end } of walRanges) {
    const first = parseLsn(start) ?? 0n;
    const guard = new TablespaceGuard({ start: first - (first % BigInt(segmentSize)), segmentSize, keepOut });
    for (const name of segmentsOfRange(timeline, first, parseLsn(end) ?? first, segmentSize)) {
      // a segment may have a gigabyte
      const chunks = createReadStream(join(dataDirectory, 'pg_wal', name), { highWaterMark: READ });
      for await (const bytes of chunks as AsyncIterable<Buffer>) {
        const refusal = await guard.look(bytes);
        if (refusal !== undefined) throw refusal.error;
      }
    }
  }
}
