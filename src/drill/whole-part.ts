import type { CommitRecord } from '../repository/commit-record.ts';
import { findArchive, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import { checkStoredWal } from '../repository/wal/check-stored-wal.ts';
import type { StoredSegment } from '../repository/wal/stored-segment.ts';
import { readWalIndex } from '../repository/wal/wal-index.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { ChosenRecovery } from '../restore/recovery/plan-recovery.ts';
import { reachOfBackup } from '../restore/recovery/reach.ts';
import { StoredLog } from '../restore/recovery/read-log.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * Rolls a backup forward as far as the log behind it is whole: up to its first hole or damaged object, where all that was
 * wanted is as much as there is.
 * @throws LarderError OBJECT_DAMAGED, OBJECT_MISSING where not even that can be told; the store's errors, the signal's reason
 */
export async function planWholePart(
  store: ObjectStore,
  backup: CommitRecord,
  signal: AbortSignal,
): Promise<ChosenRecovery> {
  const ownEnd = { backup, recovery: undefined, remarks: [] };
  const archive = await findArchive(store, backup.systemIdentifier);
  if (archive === undefined) return ownEnd;
  const index = await readWalIndex(store, archive);
  const { path, from, stored, until } = reachOfBackup(index, backup, 'latest');
  const log = new StoredLog(store, { archive, index, path });
  const damaged = await firstDamaged(store, log.segments(from, until), { archive, signal });
  const end = damaged === undefined || damaged > until ? until : damaged;
  const last = await log.findLast(stored, end, (record) => ({ start: record.start, end: record.end }));
  if (last === undefined || last.end <= from) return ownEnd;
  const target = { kind: 'end', lsn: last.start } as const;
  return { backup, recovery: { archive, path, from, until: end, target, action: 'promote' }, remarks: [] };
}

/** Where the first segment begins that something is wrong with. */
async function firstDamaged(
  store: ObjectStore,
  segments: readonly StoredSegment[],
  { archive, signal }: { readonly archive: ArchiveRecord; readonly signal: AbortSignal },
): Promise<Lsn | undefined> {
  for (const segment of segments) {
    const damaged: string[] = [];
    await checkStoredWal(store, [segment], {
      archive,
      signal,
      onProgress: () => undefined,
      onDamage: (_, object) => damaged.push(object),
    });
    if (damaged.length > 0) return segment.segment.number * BigInt(archive.segmentSize);
  }
  return undefined;
}
