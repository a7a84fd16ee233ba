import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { crc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';

/**
 * A frame: up to 1 MiB of content, compressed by itself, so that any one can be read, checked and decompressed alone.
 *
 *     0  4  bytes of payload as stored, little-endian like all below
 *     4  4  bytes of content
 *     8  4  CRC-32C of the payload as stored: damage is found before anything is decompressed
 *    12  1  codec: 0 as it is, 1 zstd
 *    13  3  zero
 *    16     payload
 */
export const FRAME_HEADER_LENGTH = 16;
export const FRAME_CONTENT_LIMIT = 1024 * 1024;

const CODEC = { plain: 0, zstd: 1 } as const;
/** Room for one frame's compressed content in one piece: without it Node collects 16 KiB pieces and joins them. */
const CHUNK_SIZE = FRAME_CONTENT_LIMIT + FRAME_CONTENT_LIMIT / 128 + 1024;

/** Where a frame lies and what it must be; the manifest's record of it. */
export interface FrameReference {
  /** Number of the pack. */
  readonly pack: number;
  /** Of the frame's header, in bytes from the beginning of the pack. */
  readonly offset: number;
  /** Payload bytes, without the header. */
  readonly storedLength: number;
  readonly contentLength: number;
  readonly checksum: number;
}

export type FrameHeader = Omit<FrameReference, 'pack' | 'offset'>;

export interface EncodedFrame extends FrameHeader {
  readonly header: Buffer;
  readonly payload: Buffer;
}

/**
 * Compresses up to 1 MiB of content into a frame. Content that does not shrink is kept as it is.
 * @param level zstd level; 0 stores everything as it is
 */
export function encodeFrame(content: Buffer, level: number): EncodedFrame {
  const compressed = level === 0 ? undefined : compress(content, level);
  const shrunk = compressed !== undefined && compressed.length < content.length;
  const payload = shrunk ? compressed : content;
  const header = Buffer.alloc(FRAME_HEADER_LENGTH);
  const checksum = crc32c(payload);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(content.length, 4);
  header.writeUInt32LE(checksum, 8);
  header.writeUInt8(shrunk ? CODEC.zstd : CODEC.plain, 12);
  return { header, payload, storedLength: payload.length, contentLength: content.length, checksum };
}

function compress(content: Buffer, level: number): Buffer {
  // nbWorkers is never set: with it Node 24 returns nothing, or throws (ecosystem notes, section 2)
  return zstdCompressSync(content, {
    chunkSize: CHUNK_SIZE,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
}

/**
 * Frees what zstd wrote into a buffer of its own, now instead of when the collector comes round to it: at a megabyte a
 * frame that is 80 MiB a thread, and fresh pages from the kernel for every frame. Nothing may use the buffer afterwards.
 * @param other the buffer that went into `encodeFrame` or `decodeFrame`, which may have come out again as it was
 */
export function releaseFrame(buffer: Buffer, other: Buffer): void {
  // small results share one pool with others
  const own = buffer.buffer !== other.buffer && buffer.buffer.byteLength > 64 * 1024;
  if (own && buffer.buffer instanceof ArrayBuffer) buffer.buffer.transfer(0);
}

/** Reads a header alone; `undefined` when no frame can begin like this. */
export function decodeFrameHeader(
  bytes: Buffer,
): (FrameHeader & { readonly compressed: boolean }) | undefined {
  if (bytes.length < FRAME_HEADER_LENGTH) return undefined;
  // with the three zeros behind it
  const codec = bytes.readUInt32LE(12);
  const storedLength = bytes.readUInt32LE(0);
  const contentLength = bytes.readUInt32LE(4);
  if (contentLength > FRAME_CONTENT_LIMIT) return undefined;
  // content that did not shrink is never kept compressed, so no damage turns one codec into the other
  if (codec === CODEC.plain ? storedLength !== contentLength : storedLength >= contentLength)
    return undefined;
  if (codec !== CODEC.plain && codec !== CODEC.zstd) return undefined;
  return { storedLength, contentLength, checksum: bytes.readUInt32LE(8), compressed: codec === CODEC.zstd };
}

/**
 * The content of one frame.
 * @param bytes the frame whole, header first
 * @param expected what the manifest says of it, where there is one: a frame of another backup in its place is found out
 * @throws LarderError OBJECT_DAMAGED naming `where`
 */
export function decodeFrame(bytes: Buffer, where: string, expected?: FrameHeader): Buffer {
  const header = decodeFrameHeader(bytes);
  if (header === undefined || bytes.length !== FRAME_HEADER_LENGTH + header.storedLength) {
    throw new LarderError('OBJECT_DAMAGED', `${where}: no frame lies there`);
  }
  if (
    expected !== undefined &&
    (expected.checksum !== header.checksum ||
      expected.storedLength !== header.storedLength ||
      expected.contentLength !== header.contentLength)
  ) {
    throw new LarderError('OBJECT_DAMAGED', `${where}: another frame lies there than the manifest says`);
  }
  const payload = bytes.subarray(FRAME_HEADER_LENGTH);
  if (crc32c(payload) !== header.checksum) {
    throw new LarderError('OBJECT_DAMAGED', `${where}: the frame's checksum is wrong`);
  }
  return header.compressed ? decompress(payload, header.contentLength, where) : payload;
}

function decompress(payload: Buffer, contentLength: number, where: string): Buffer {
  let content: Buffer;
  try {
    content = zstdDecompressSync(payload, {
      // a buffer that the content fills to its last byte makes Node allocate a second one to look for more
      chunkSize: contentLength + 64,
      maxOutputLength: contentLength,
    });
  } catch (error) {
    throw new LarderError('OBJECT_DAMAGED', `${where}: the frame does not decompress`, { cause: error });
  }
  // Node stops without an error at the end of a first zstd frame (nodejs/node#64741): the length is the proof
  if (content.length !== contentLength) {
    throw new LarderError(
      'OBJECT_DAMAGED',
      `${where}: the frame holds ${content.length} bytes instead of ${contentLength}`,
    );
  }
  return content;
}
