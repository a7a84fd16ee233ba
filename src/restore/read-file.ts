import { crc32c } from '../crc32c.ts';
import { LarderError } from '../errors.ts';
import { decodeFrame, FRAME_HEADER_LENGTH } from '../repository/frames/frame.ts';
import type { Manifest } from '../repository/manifest/manifest-reader.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { frameWork } from './pieces.ts';

const SMALL = 64 * 1024 * 1024;

/**
 * The content of one small file of a backup, checked.
 * @returns `undefined` when the backup has no such file
 * @throws LarderError OBJECT_DAMAGED, OBJECT_MISSING
 */
export async function readBackupFile(
  store: ObjectStore,
  manifest: Manifest,
  path: string,
): Promise<Buffer | undefined> {
  const file = manifest.files.find((entry) => entry.path === path);
  if (file === undefined) return undefined;
  if (file.size > SMALL)
    throw new LarderError('OBJECT_DAMAGED', `${path} has ${file.size} bytes, which it never has`);
  const content = Buffer.alloc(file.size);
  for (const { frame, pack, pieces } of frameWork(manifest, (entry) => entry === file)) {
    const stored = Buffer.alloc(FRAME_HEADER_LENGTH + frame.storedLength);
    await store.readInto(pack, frame.offset, stored);
    const bytes = decodeFrame(stored, `${pack} at ${frame.offset}`, frame);
    for (const piece of pieces) {
      bytes.copy(content, piece.fileOffset, piece.frameOffset, piece.frameOffset + piece.length);
    }
  }
  if (file.checksum === undefined || crc32c(content) === file.checksum) return content;
  throw new LarderError('OBJECT_DAMAGED', `${path} does not have the checksum it was backed up with`);
}
