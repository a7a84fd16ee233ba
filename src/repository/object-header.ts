import { LarderError } from '../errors.ts';

/**
 * The first bytes of every binary object, so that a file found alone says what it is and which version wrote it:
 *
 *     0  6  "LARDER"
 *     6  1  format version
 *     7  1  kind
 *     8  1  cipher: 0 none; others later, with their salt and key commitment behind these 16 bytes
 *     9  3  zero
 *    12  4  length of the whole header, little-endian: frames begin there
 */
export const OBJECT_HEADER_LENGTH = 16;
/** What this release writes, and the newest it reads. 2: incremental backups, files without a checksum, block hashes. */
export const FORMAT_VERSION = 2;

export const OBJECT_KINDS = {
  pack: 1,
  manifest: 2,
  serverManifest: 3,
  wal: 4,
  history: 5,
  hashes: 6,
  fingerprint: 7,
} as const;
export type ObjectKind = keyof typeof OBJECT_KINDS;

const MAGIC = Buffer.from('LARDER', 'latin1');

/** @param version an older one only to compare with */
export function encodeObjectHeader(kind: ObjectKind, version = FORMAT_VERSION): Buffer {
  const header = Buffer.alloc(OBJECT_HEADER_LENGTH);
  MAGIC.copy(header);
  header.writeUInt8(version, 6);
  header.writeUInt8(OBJECT_KINDS[kind], 7);
  header.writeUInt32LE(OBJECT_HEADER_LENGTH, 12);
  return header;
}

/**
 * Checks an object's first bytes.
 * @param name for messages
 * @throws LarderError OBJECT_DAMAGED when it is not an object of this kind, REPOSITORY_NEWER_FORMAT when a later release
 *   or a cipher this one does not know wrote it
 */
export function checkObjectHeader(bytes: Uint8Array, kind: ObjectKind, name: string): void {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (header.length < OBJECT_HEADER_LENGTH || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new LarderError('OBJECT_DAMAGED', `${name} does not begin like an object of Larder's`);
  }
  if (header.readUInt8(6) > FORMAT_VERSION || header.readUInt8(8) !== 0) {
    throw new LarderError('REPOSITORY_NEWER_FORMAT', `${name} was written by a newer release of Larder`, {
      hint: 'Use that release, or a later one, to read this repository.',
    });
  }
  const version = header.readUInt8(6);
  const expected = encodeObjectHeader(kind, version);
  if (version === 0 || !header.subarray(0, OBJECT_HEADER_LENGTH).equals(expected)) {
    throw new LarderError('OBJECT_DAMAGED', `${name} is not a ${kind}`);
  }
}
