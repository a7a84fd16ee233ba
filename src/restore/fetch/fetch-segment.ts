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
import { assertSegment, LONG_HEADER_LENGTH } from '../../postgres/wal-page.ts';
import { releaseFrame } from '../../repository/frames/frame.ts';
import { readStoredSegment } from '../../repository/wal/stored-segment.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { FetchTask } from './fetch-messages.ts';

/** Of what is being written; such a name is never asked for. */
const UNFINISHED = '.part';
const NOTHING = Buffer.alloc(0);

/**
 * Writes one segment to its target, checked, with zeros behind the bytes that are stored. Not forced to disk: whoever
 * loses it asks again.
 * @returns bytes of the segment that were stored
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, RESTORE_FAILED when it cannot be written, the store's errors
 */
export async function fetchSegment(store: ObjectStore, task: FetchTask): Promise<number> {
  const path = `${task.target}${UNFINISHED}`;
  const file = openTarget(path, task);
  try {
    let position = 0;
    for await (const bytes of readStoredSegment(store, task.stored)) {
      if (position === 0) assertBeginning(bytes, task);
      write(file, bytes, position);
      position += bytes.length;
      releaseFrame(bytes, NOTHING);
    }
    ftruncateSync(file, task.expected.segmentSize);
    renameSync(path, task.target);
    return position;
  } catch (error) {
    rmSync(path, { force: true });
    throw error instanceof LarderError ? error : unwritable(task.target, error);
  } finally {
    closeSync(file);
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
