import { crc32c } from '../../crc32c.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import { assertSegment, LONG_HEADER_LENGTH } from '../../postgres/wal-page.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { decodeFrame, decodeFrameHeader, FRAME_HEADER_LENGTH } from '../frames/frame.ts';
import { checkObjectHeader, OBJECT_HEADER_LENGTH } from '../object-header.ts';
import type { ArchiveRecord } from './archive-record.ts';
import type { SegmentPiece, StoredSegment } from './stored-segment.ts';

export interface WalCheckOptions {
  readonly archive: ArchiveRecord;
  /** Also decompress, and look at the header of each segment; without it only the checksums of the stored bytes are. */
  readonly decompress: boolean;
  readonly signal: AbortSignal;
  /** Bytes of WAL looked at so far. */
  readonly onProgress: (doneBytes: number) => void;
  /** OBJECT_DAMAGED or OBJECT_MISSING, naming the object; throwing ends the check. */
  readonly onDamage: (damage: LarderError) => void;
}

/**
 * Reads every byte that holds these segments and compares it with its checksums.
 * @throws LarderError what the store throws when it does not answer: that is no verdict; what `onDamage` throws
 */
export async function checkStoredWal(
  store: ObjectStore,
  segments: Iterable<StoredSegment>,
  options: WalCheckOptions,
): Promise<void> {
  let done = 0;
  for (const stored of segments) {
    for (const piece of stored.pieces) {
      options.signal.throwIfAborted();
      await checkPiece(store, { stored, piece }, options);
      options.onProgress((done += piece.to - piece.from));
    }
  }
}

async function checkPiece(
  store: ObjectStore,
  what: { readonly stored: StoredSegment; readonly piece: SegmentPiece },
  options: WalCheckOptions,
): Promise<void> {
  try {
    await readPiece(store, what, options);
  } catch (thrown) {
    const error = toLarderError(thrown);
    if (error.code === 'REPOSITORY_NEWER_FORMAT') {
      // every object here was written by a release that this one can read: a flipped bit looks like this too
      options.onDamage(
        new LarderError('OBJECT_DAMAGED', `${what.piece.object} cannot be read: ${error.message}`),
      );
    } else if (error.code === 'OBJECT_DAMAGED' || error.code === 'OBJECT_MISSING') options.onDamage(error);
    else throw error;
  }
}

async function readPiece(
  store: ObjectStore,
  { stored, piece }: { readonly stored: StoredSegment; readonly piece: SegmentPiece },
  { archive, decompress }: WalCheckOptions,
): Promise<void> {
  const bytes = await readObject(store, piece.object, piece.to - piece.from);
  let content = 0;
  for (let offset = OBJECT_HEADER_LENGTH; offset < bytes.length;) {
    const header = decodeFrameHeader(bytes.subarray(offset, offset + FRAME_HEADER_LENGTH));
    const end = offset + FRAME_HEADER_LENGTH + (header?.storedLength ?? 0);
    const where = `${piece.object} at ${offset}`;
    if (header === undefined || end > bytes.length) throw damaged(where, 'no frame lies there');
    const frame = bytes.subarray(offset, end);
    if (crc32c(frame.subarray(FRAME_HEADER_LENGTH)) !== header.checksum)
      throw damaged(where, "the frame's checksum is wrong");
    if (decompress)
      checkContent(decodeFrame(frame, where), content === 0 ? piece : undefined, { stored, archive });
    content += header.contentLength;
    offset = end;
  }
  if (content === piece.to - piece.from) return;
  throw damaged(piece.object, `it holds ${content} bytes of WAL instead of ${piece.to - piece.from}`);
}

/** Beyond this an object of so much WAL cannot be: frames never grow. */
function limitOf(content: number): number {
  return OBJECT_HEADER_LENGTH + content + FRAME_HEADER_LENGTH * (content + 1);
}

async function readObject(store: ObjectStore, name: string, content: number): Promise<Buffer> {
  const read = await store.get(name, limitOf(content));
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
  checkObjectHeader(bytes, 'wal', name);
  return bytes;
}

function checkContent(
  content: Buffer,
  first: SegmentPiece | undefined,
  { stored, archive }: { readonly stored: StoredSegment; readonly archive: ArchiveRecord },
): void {
  if (first?.from !== 0 || content.length < LONG_HEADER_LENGTH) return;
  try {
    assertSegment(content, { segment: stored.segment, ...archive });
  } catch (error) {
    throw damaged(first.object, toLarderError(error).message);
  }
}

function damaged(where: string, what: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${where}: ${what}`);
}
