import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { parseLsn } from '../../postgres/lsn.ts';
import { INFO_OF_MANAGER, type WalRecord } from '../../postgres/wal-record.ts';
import { WalRecordReader } from '../../postgres/wal-records.ts';
import { segmentsOfRange } from '../../postgres/wal-segment.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';

/** RM_TBLSPC_ID: tablespaces. */
const TABLESPACE_MANAGER = 5;
const XLOG_TBLSPC_CREATE = 0x00;
/** Bytes. */
const READ = 1024 * 1024;

/**
 * Whether the log that came with a backup makes a tablespace. To replay that takes the very directory of the original: where
 * the copy's server has the original's account and sees its file systems, it would write into the original's own files. Behind
 * a record that cannot be read nothing is looked at: no server replays it either.
 * @throws the system's errors
 */
export async function makesTablespace(dataDirectory: string, backup: CommitRecord): Promise<boolean> {
  const { walRanges, walSegmentSize: segmentSize } = backup;
  for (const { timeline, start, end } of walRanges) {
    const first = parseLsn(start) ?? 0n;
    const reader = new WalRecordReader({
      start: first - (first % BigInt(segmentSize)),
      segmentSize,
      check: 'headers',
    });
    for (const name of segmentsOfRange(timeline, first, parseLsn(end) ?? first, segmentSize)) {
      // a segment may have a gigabyte
      const chunks = createReadStream(join(dataDirectory, 'pg_wal', name), { highWaterMark: READ });
      for await (const bytes of chunks as AsyncIterable<Buffer>)
        if (reader.push(bytes).some(isTablespaceCreation)) return true;
    }
  }
  return false;
}

function isTablespaceCreation({ resourceManager, info }: WalRecord): boolean {
  return resourceManager === TABLESPACE_MANAGER && (info & INFO_OF_MANAGER) === XLOG_TBLSPC_CREATE;
}
