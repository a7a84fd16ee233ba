import { toLarderError } from '../../../errors.ts';
import { formatLsn } from '../../../postgres/lsn.ts';
import { BackupManifestReader, type ManifestSummary } from '../../../postgres/backup-manifest.ts';
import type { CommitRecord } from '../../../repository/commit-record.ts';
import { readFramedObject } from '../../../repository/frames/framed-object.ts';
import { commitRecordName, serverManifestName } from '../../../repository/layout.ts';
import type { ObjectStore } from '../../../storage/object-store.ts';
import type { Finding } from '../../report.ts';

/**
 * Whether the commit record says what the server said when it was asked for the backup: its own manifest names the ranges of
 * the log that recovery needs, and from 17 on the system. What cannot be read is found where every object is.
 * @throws LarderError when the store does not answer
 */
export async function recordFindings(store: ObjectStore, backup: CommitRecord): Promise<Finding[]> {
  const said = await readSummary(store, backup.id);
  if (said === undefined) return [];
  const object = commitRecordName(backup.id);
  return disagreements(backup, said).map((what) => ({
    code: 'OBJECT_DAMAGED',
    message: `${object} does not agree with the server's own manifest: ${what}`,
    object,
  }));
}

const DAMAGE: readonly string[] = ['OBJECT_DAMAGED', 'OBJECT_MISSING', 'PROTOCOL_VIOLATION'];

/** Where the two differ, in words. */
export function disagreements(backup: CommitRecord, said: ManifestSummary): string[] {
  const problems: string[] = [];
  const last = said.walRanges.reduce((end, range) => (range.end > end ? range.end : end), 0n);
  const ranges = said.walRanges.map(
    ({ timeline, start, end }) => `${timeline}: ${formatLsn(start)} to ${formatLsn(end)}`,
  );
  const recorded = backup.walRanges.map(({ timeline, start, end }) => `${timeline}: ${start} to ${end}`);
  if (ranges.join() !== recorded.join())
    problems.push(
      `it needs the log of timeline ${recorded.join(', ')}, and the server said ${ranges.join(', ')}`,
    );
  if (formatLsn(last) !== backup.stopLsn)
    problems.push(`it ends at ${backup.stopLsn}, and the server said ${formatLsn(last)}`);
  const timeline = said.walRanges.reduce((first, range) => Math.min(first, range.timeline), Infinity);
  if (timeline !== backup.timeline && said.walRanges.length > 0)
    problems.push(`it lies on timeline ${backup.timeline}, and the server said ${timeline}`);
  if (said.systemIdentifier !== undefined && said.systemIdentifier !== backup.systemIdentifier)
    problems.push(`it is of system ${backup.systemIdentifier}, and the server said ${said.systemIdentifier}`);
  return problems;
}

async function readSummary(store: ObjectStore, id: string): Promise<ManifestSummary | undefined> {
  const reader = new BackupManifestReader(() => undefined);
  try {
    for await (const bytes of readFramedObject(store, serverManifestName(id), 'serverManifest'))
      reader.push(bytes);
    return reader.finish();
  } catch (error) {
    if (!DAMAGE.includes(toLarderError(error).code)) throw error;
    return undefined;
  }
}
