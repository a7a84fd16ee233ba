import { toLarderError, type LarderError } from '../errors.ts';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { findArchive, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import { checkStoredWal } from '../repository/wal/check-stored-wal.ts';
import { contiguousRanges } from '../repository/wal/continuity.ts';
import { missingOn, nameHole } from '../repository/wal/missing-wal.ts';
import { readWalIndex, type WalIndex } from '../repository/wal/wal-index.ts';
import { archiveRecordName } from '../repository/wal/wal-layout.ts';
import { StoredLog } from '../restore/recovery/read-log.ts';
import { reachOfBackup, type Reach } from '../restore/recovery/reach.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { holeProblem, unknownEnd } from './archive-holes.ts';
import type { Findings, LogReport } from './report.ts';

export interface LogCheck {
  readonly findings: Findings;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Checks the stored log from a backup's end to where the archive reaches: everything is there, and every stored byte is as
 * it was stored.
 * @returns `undefined` when no WAL was ever received, or nobody can tell what there is (a finding says so)
 * @throws LarderError when the store does not answer: that is no verdict
 */
export async function checkStoredLog(
  store: ObjectStore,
  backup: CommitRecord,
  check: LogCheck,
): Promise<LogReport | undefined> {
  const { findings } = check;
  try {
    const archive = await findArchive(store, backup.systemIdentifier);
    if (archive === undefined) return undefined;
    const index = await readWalIndex(store, archive);
    const reach = reachOfBackup(index, backup, 'latest');
    for (const problem of [...index.damaged, ...unknownEnd(index)]) {
      findings.addOrThrow(problem, nameIn(problem, backup));
    }
    addHoles(index, reach, findings);
    return await readLog(store, { archive, index, reach }, check);
  } catch (thrown) {
    const error = toLarderError(thrown);
    // what is lost here is a record or a history, which the message names
    findings.addOrThrow(error, nameIn(error, backup));
    return undefined;
  }
}

function nameIn({ message }: LarderError, { systemIdentifier }: CommitRecord): { object?: string } {
  const object = /transaction_logs\/\S*[^\s:,]/.exec(message)?.[0] ?? archiveRecordName(systemIdentifier);
  return { object };
}

function addHoles(index: WalIndex, { path, from, hole, removed }: Reach, findings: Findings): void {
  // nothing behind what retention removed can be reached from this backup, whatever is missing there
  if (removed !== undefined) return;
  const behind = missingOn(index, path).filter(({ start }) => start > from);
  const first = hole === undefined ? [] : [nameHole(index, path, hole)];
  // the first one may begin in the segment that the backup carries itself
  for (const missing of [...first, ...behind.filter(({ end }) => end !== hole?.end)]) {
    const { code, message } = holeProblem(missing);
    findings.add({ code, message, object: missing.object });
  }
}

async function readLog(
  store: ObjectStore,
  {
    archive,
    index,
    reach,
  }: { readonly archive: ArchiveRecord; readonly index: WalIndex; readonly reach: Reach },
  { findings, signal, onProgress }: LogCheck,
): Promise<LogReport> {
  const { path, from, until } = reach;
  const segments = new StoredLog(store, { archive, index, path }).segments(from, endOf(index, reach));
  const bytes = segments.reduce((sum, { end }) => sum + end, 0);
  await checkStoredWal(store, segments, {
    archive,
    signal,
    onProgress: (doneBytes) => onProgress({ doneBytes, totalBytes: bytes }),
    onDamage: (damage, object) => findings.addOrThrow(damage, { object }),
  });
  const facts = { timeline: path.timeline, from: formatLsn(from), until: formatLsn(until) };
  return { ...facts, segments: segments.length, bytes, removed: reach.removed !== undefined };
}

/** The end of the last stretch on the path, also behind a hole; not behind what retention has removed. */
function endOf(index: WalIndex, { path, until, removed }: Reach): Lsn {
  if (removed !== undefined) return until;
  return contiguousRanges(index, path.timeline, path.history).at(-1)?.end ?? until;
}
