import {
  closeSync,
  constants,
  fchownSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { LarderError, toLarderError } from '../../errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { assertSegment, LONG_HEADER_LENGTH } from '../../postgres/wal-page.ts';
import { releaseFrame } from '../../repository/frames/frame.ts';
import { readStoredSegment } from '../../repository/wal/stored-segment.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { errorToMessage } from '../../worker-thread.ts';
import { TablespaceGuard, type TablespaceRefusal } from '../tablespaces/tablespace-guard.ts';
import type { FetchResult, FetchTask } from './fetch-messages.ts';

/** Of what is being written; such a name is never asked for. */
const UNFINISHED = '.part';
/** scripts/larder-wal-fetch knows it too. */
const NOTE = '.note';
const NOTHING = Buffer.alloc(0);

/**
 * Writes one segment to its target, checked, with zeros behind the bytes that are stored. Not forced to disk: whoever
 * loses it asks again. Where it makes a tablespace that must not be made, it ends before that record: the server replays what
 * comes before, in which its target may lie, and fails where it does not.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, RESTORE_FAILED when it cannot be written, the store's errors
 */
export async function fetchSegment(store: ObjectStore, task: FetchTask): Promise<FetchResult> {
  const path = `${task.target}${UNFINISHED}`;
  rmSync(`${task.target}${NOTE}`, { force: true });
  const file = openTarget(path, task);
  const guard = guardOf(task);
  try {
    let bytes = 0;
    let refusal: TablespaceRefusal | undefined;
    for await (const piece of readStoredSegment(store, task.stored)) {
      if (bytes === 0) assertBeginning(piece, task);
      refusal ??= await guard.look(piece);
      write(file, piece, bytes);
      bytes += piece.length;
      releaseFrame(piece, NOTHING);
    }
    refusal ??= await lookOn(guard, store, task);
    if (refusal !== undefined) cutOff(file, task, refusal);
    ftruncateSync(file, task.expected.segmentSize);
    renameSync(path, task.target);
    return { bytes, cutOff: refusal && { ...refusal, error: errorToMessage(refusal.error) } };
  } catch (error) {
    rmSync(path, { force: true });
    throw error instanceof LarderError ? error : unwritable(task.target, error);
  } finally {
    closeSync(file);
  }
}

function guardOf({ expected, ...task }: FetchTask): TablespaceGuard {
  const { segment, segmentSize } = expected;
  return new TablespaceGuard({ ...task, start: segment.number * BigInt(segmentSize), segmentSize });
}

/** Where the last record may make one, its rest is in the next segment. */
async function lookOn(
  guard: TablespaceGuard,
  store: ObjectStore,
  { next }: FetchTask,
): Promise<TablespaceRefusal | undefined> {
  if (!guard.isUndecided() || next === undefined) return undefined;
  for await (const piece of readStoredSegment(store, next)) {
    const refusal = await guard.look(piece);
    releaseFrame(piece, NOTHING);
    if (refusal !== undefined || !guard.isUndecided()) return refusal;
  }
  return undefined;
}

/** Says why beside it, before the segment can be taken: the server's log is where whoever started it looks. */
function cutOff(file: number, task: FetchTask, { at, error }: TablespaceRefusal): void {
  const { segment, segmentSize } = task.expected;
  const offset = at - segment.number * BigInt(segmentSize);
  // one of the next segment may have come along
  if (offset >= BigInt(segmentSize)) return;
  ftruncateSync(file, Number(offset));
  const note = openTarget(`${task.target}${NOTE}`, task);
  try {
    const { message, hint = '' } = error;
    writeSync(note, `larder: the log is given up to ${formatLsn(at)} only: ${message}. ${hint}\n`);
  } finally {
    closeSync(note);
  }
}

function openTarget(path: string, { owner, target }: FetchTask): number {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const file = openSync(path, flags, 0o600);
    if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
    return file;
  } catch (error) {
    throw unwritable(target, error);
  }
}

function write(file: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(file, bytes, written, bytes.length - written, position + written);
  }
}

function assertBeginning(bytes: Buffer, { expected, stored }: FetchTask): void {
  if (bytes.length < LONG_HEADER_LENGTH) return;
  try {
    assertSegment(bytes, expected);
  } catch (error) {
    throw new LarderError(
      'OBJECT_DAMAGED',
      `${stored.pieces[0]?.object ?? 'it'}: ${toLarderError(error).message}`,
    );
  }
}

function unwritable(target: string, error: unknown): LarderError {
  const reason = Error.isError(error) ? error.message : String(error);
  return new LarderError('RESTORE_FAILED', `${target} cannot be written: ${reason}`, { cause: error });
}
