import { crc32c } from '../../crc32c.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import { assertSegment, LONG_HEADER_LENGTH } from '../../postgres/wal-page.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { decodeFrame, decodeFrameHeader, FRAME_HEADER_LENGTH, releaseFrame } from '../frames/frame.ts';
import { readFrames, type StoredFrame } from '../frames/framed-object.ts';
import type { ArchiveRecord } from './archive-record.ts';
import { segmentFinder, type SegmentPiece, type StoredSegment } from './stored-segment.ts';
import { readWalIndex } from './wal-index.ts';

export interface WalCheckOptions {
  readonly archive: ArchiveRecord;
  readonly signal: AbortSignal;
  /** Bytes of WAL looked at so far. */
  readonly onProgress: (doneBytes: number) => void;
  /** OBJECT_DAMAGED or OBJECT_MISSING of one object, which the message names; throwing ends the check. */
  readonly onDamage: (damage: LarderError, object: string) => void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads every byte that holds these segments and compares it with its checksums; of each segment's first frame also what it
 * says it is, so that one in another's place is found.
 * @throws LarderError what the store throws when it does not answer: that is no verdict; what `onDamage` throws
 */
export async function checkStoredWal(
  store: ObjectStore,
  segments: Iterable<StoredSegment>,
  options: WalCheckOptions,
): Promise<void> {
  let done = 0;
  for (const stored of segments) {
    options.signal.throwIfAborted();
    const missing = await checkSegment(store, stored, options);
    if (missing !== undefined) await checkReplaced(store, { stored, missing }, options);
    options.onProgress((done += stored.end));
  }
}

/** A piece that is not there. */
interface MissingPiece {
  readonly object: string;
  readonly error: LarderError;
}

/** A receiver that runs removes tails once their segment is stored whole: what is gone may be there as something else. */
async function checkReplaced(
  store: ObjectStore,
  { stored, missing }: { readonly stored: StoredSegment; readonly missing: MissingPiece },
  options: WalCheckOptions,
): Promise<void> {
  const now = segmentFinder(await readWalIndex(store, options.archive))(stored.segment);
  const replaced = now !== undefined && now.end >= stored.end;
  const still = replaced ? await checkSegment(store, now, options) : missing;
  if (still !== undefined) options.onDamage(still.error, still.object);
}

async function checkSegment(
  store: ObjectStore,
  stored: StoredSegment,
  options: WalCheckOptions,
): Promise<MissingPiece | undefined> {
  for (const piece of stored.pieces) {
    options.signal.throwIfAborted();
    const error = await damageOf(store, { stored, piece }, options);
    if (error?.code === 'OBJECT_MISSING') return { object: piece.object, error };
    if (error !== undefined) options.onDamage(error, piece.object);
  }
  return undefined;
}

async function damageOf(
  store: ObjectStore,
  what: { readonly stored: StoredSegment; readonly piece: SegmentPiece },
  options: WalCheckOptions,
): Promise<LarderError | undefined> {
  try {
    await readPiece(store, what, options);
    return undefined;
  } catch (thrown) {
    const error = toLarderError(thrown);
    // every object here was written by a release that this one can read: a flipped bit looks like a later one's
    if (error.code === 'REPOSITORY_NEWER_FORMAT')
      return damaged(what.piece.object, `it cannot be read: ${error.message}`);
    if (error.code === 'OBJECT_DAMAGED' || error.code === 'OBJECT_MISSING') return error;
    throw error;
  }
}

async function readPiece(
  store: ObjectStore,
  { stored, piece }: { readonly stored: StoredSegment; readonly piece: SegmentPiece },
  { archive, signal }: WalCheckOptions,
): Promise<void> {
  let content = 0;
  for await (const frame of readFrames(store, piece.object, 'wal')) {
    signal.throwIfAborted();
    const length = checkFrame(frame);
    if (content === 0 && piece.from === 0) checkBeginning(frame, { stored, piece, archive });
    releaseFrame(frame.bytes, NOTHING);
    content += length;
  }
  if (content === piece.to - piece.from) return;
  throw damaged(piece.object, `it holds ${content} bytes of WAL instead of ${piece.to - piece.from}`);
}

/** @returns bytes of content, as its header says */
function checkFrame({ bytes, where }: StoredFrame): number {
  const header = decodeFrameHeader(bytes);
  if (header === undefined) throw damaged(where, 'no frame lies there');
  if (crc32c(bytes.subarray(FRAME_HEADER_LENGTH)) === header.checksum) return header.contentLength;
  throw damaged(where, "the frame's checksum is wrong");
}

function checkBeginning(
  { bytes, where }: StoredFrame,
  found: { readonly stored: StoredSegment; readonly piece: SegmentPiece; readonly archive: ArchiveRecord },
): void {
  const { stored, piece, archive } = found;
  const content = decodeFrame(bytes, where);
  if (content.length < LONG_HEADER_LENGTH) return;
  try {
    assertSegment(content, { segment: stored.segment, ...archive });
  } catch (error) {
    throw damaged(piece.object, toLarderError(error).message);
  } finally {
    releaseFrame(content, bytes);
  }
}

function damaged(where: string, what: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${where}: ${what}`);
}
