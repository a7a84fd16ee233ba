import { FRAME_HEADER_LENGTH, decodeFrame } from '../../src/repository/frames/frame.ts';
import type { WrittenFile, WrittenFrames } from '../../src/repository/frames/frame-writer.ts';
import { packName } from '../../src/repository/layout.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

/** A file's content, read frame by frame without any of the code that restores. */
export async function readWrittenFile(
  store: ObjectStore,
  backupId: string,
  { frames }: Pick<WrittenFrames, 'frames'>,
  file: WrittenFile,
): Promise<Buffer> {
  const content = Buffer.alloc(file.size);
  let { frame: number = 0, frameOffset } = file;
  for (let position = 0; position < file.size; number++, frameOffset = 0) {
    const frame = frames[number]!;
    const stored = Buffer.alloc(FRAME_HEADER_LENGTH + frame.storedLength);
    await store.readInto(packName(backupId, frame.pack), frame.offset, stored);
    position += decodeFrame(stored, 'here', frame).copy(content, position, frameOffset);
  }
  return content;
}
