import { FRAME_HEADER_LENGTH, decodeFrame } from '../../src/repository/frames/frame.ts';
import type { WrittenFile, WrittenFrames } from '../../src/repository/frames/frame-writer.ts';
import { packName } from '../../src/repository/layout.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

/** A file's content, read frame by frame without any of the code that restores. */
export async function readWrittenFile(
  store: ObjectStore,
  backupId: string,
  { frames }: Pick<WrittenFrames, 'frames'>,
  file: Pick<WrittenFile, 'extents' | 'size'>,
): Promise<Buffer> {
  const content = Buffer.alloc(file.size);
  for (const extent of file.extents) {
    const end = extent.fileOffset + extent.length;
    let from = extent.frameOffset;
    for (let position = extent.fileOffset, number = extent.frame; position < end; number++) {
      const frame = frames[number]!;
      const stored = Buffer.alloc(FRAME_HEADER_LENGTH + frame.storedLength);
      await store.readInto(packName(backupId, frame.pack), frame.offset, stored);
      const bytes = decodeFrame(stored, 'here', frame).subarray(from, from + end - position);
      bytes.copy(content, position);
      position += bytes.length;
      from = 0;
    }
  }
  return content;
}
