import { type FileHandle, open } from 'node:fs/promises';
import { LarderError, systemErrorCode } from '../errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { assertSegment, readSegmentHeader } from '../postgres/wal-page.ts';
import { findMisplacedPage } from '../postgres/wal-pages.ts';
import { segmentName } from '../postgres/wal-segment.ts';
import { encodeFrame, FRAME_CONTENT_LIMIT, releaseFrame } from '../repository/frames/frame.ts';
import { readFramedObject } from '../repository/frames/framed-object.ts';
import { encodeObjectHeader } from '../repository/object-header.ts';
import { assertPresent } from '../repository/repository.ts';
import type { ObjectStore, ObjectWriter } from '../storage/object-store.ts';
import type { ArchiveTask } from './archive-messages.ts';

/**
 * Stores a part of a spool file as one object, checked and compressed a frame at a time. An object of that name that is
 * there already counts as ours when it holds the same bytes.
 * @returns bytes of the object
 * @throws LarderError PROTOCOL_VIOLATION when the segment is not what it should be; OBJECT_EXISTS when other bytes are
 *   stored under its name; INTERNAL when the spool file is gone or short; REPOSITORY_MISSING; the store's errors
 */
export async function storeSpooled(store: ObjectStore, task: ArchiveTask, level: number): Promise<number> {
  const file = await openSpooled(task.path);
  try {
    await assertPresent(store);
    const bytes = await storeOnce(store, task, { file, level });
    // a volume that went away after that look left its empty mount point to be filled: that is stored nowhere
    await assertPresent(store);
    return bytes;
  } finally {
    await file.close();
  }
}

async function storeOnce(
  store: ObjectStore,
  task: ArchiveTask,
  { file, level }: { readonly file: FileHandle; readonly level: number },
): Promise<number> {
  const writer = await store.create(task.object);
  try {
    const bytes = await writeFrames(file, task, { writer, level });
    await writer.commit();
    return bytes;
  } catch (error) {
    await writer.abort();
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
    return await assertSameContent(store, task, file);
  }
}

async function openSpooled(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new LarderError(
      'INTERNAL',
      `the spool file ${path} cannot be read (${systemErrorCode(error) ?? '?'})`,
      {
        cause: error,
      },
    );
  }
}

async function writeFrames(
  file: FileHandle,
  task: ArchiveTask,
  { writer, level }: { readonly writer: ObjectWriter; readonly level: number },
): Promise<number> {
  const header = encodeObjectHeader('wal');
  await writer.append(header);
  let bytes = header.length;
  const buffer = Buffer.allocUnsafeSlow(Math.min(FRAME_CONTENT_LIMIT, task.to - task.from));
  for (let offset = task.from; offset < task.to; offset += buffer.length) {
    const content = buffer.subarray(0, Math.min(buffer.length, task.to - offset));
    await readFully(file, content, offset, task.path);
    assertPlace(content, offset, task);
    const frame = encodeFrame(content, level);
    await writer.append(frame.header);
    await writer.append(frame.payload);
    bytes += frame.header.length + frame.payload.length;
    releaseFrame(frame.payload, content);
  }
  return bytes;
}

async function readFully(file: FileHandle, target: Buffer, offset: number, path: string): Promise<void> {
  for (let filled = 0; filled < target.length;) {
    const { bytesRead } = await file.read(target, filled, target.length - filled, offset + filled);
    if (bytesRead === 0)
      throw new LarderError('INTERNAL', `the spool file ${path} ends at ${offset + filled}`);
    filled += bytesRead;
  }
}

/** The pages that begin in `content` are those of their place. */
function assertPlace(content: Buffer, offset: number, { expected, to }: ArchiveTask): void {
  const isStart = offset === 0 && to === expected.segmentSize;
  if (isStart) assertSegment(content, expected);
  // pages of a tail may be cut anywhere; they are checked again as part of the whole segment
  if (to !== expected.segmentSize || offset % 8192 !== 0) return;
  const magic = isStart ? readSegmentHeader(content)?.magic : undefined;
  const base = expected.segment.number * BigInt(expected.segmentSize) + BigInt(offset);
  const wrong = findMisplacedPage(content, base, magic ?? firstMagic(content));
  if (wrong === undefined) return;
  const name = segmentName(expected.segment, expected.segmentSize);
  throw new LarderError(
    'PROTOCOL_VIOLATION',
    `WAL segment ${name} does not hold the page of ${formatLsn(base + BigInt(wrong))}`,
  );
}

function firstMagic(content: Buffer): number {
  return content.readUInt16LE(0);
}

async function assertSameContent(store: ObjectStore, task: ArchiveTask, file: FileHandle): Promise<number> {
  let offset = task.from;
  const own = Buffer.allocUnsafe(FRAME_CONTENT_LIMIT);
  for await (const stored of readFramedObject(store, task.object, 'wal')) {
    const same = offset + stored.length <= task.to;
    if (same) await readFully(file, own.subarray(0, stored.length), offset, task.path);
    if (!same || !stored.equals(own.subarray(0, stored.length))) throw otherContent(task);
    offset += stored.length;
  }
  if (offset !== task.to) throw otherContent(task);
  return (await store.stat(task.object))?.size ?? 0;
}

function otherContent({ object }: ArchiveTask): LarderError {
  return new LarderError(
    'OBJECT_EXISTS',
    `${object} is stored already, with other WAL than the server sent`,
    {
      hint: 'Two servers with the same system identifier write into one repository (a clone, a split brain), or the object is damaged: see "larder wal status". Give each server its own BACKUP_DIR.',
    },
  );
}
