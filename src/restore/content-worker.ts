import { parentPort, workerData } from 'node:worker_threads';
import { crc32c } from '../crc32c.ts';
import {
  decodeFrame,
  FRAME_CONTENT_LIMIT,
  FRAME_HEADER_LENGTH,
  releaseFrame,
} from '../repository/frames/frame.ts';
import { openStore } from '../storage/open-store.ts';
import { errorToMessage, type ErrorMessage } from '../worker-thread.ts';
import type { ContentAnswer, ContentRequest, ContentWorkerData, RequestedFrame } from './content-messages.ts';
import { TargetFiles } from './target-files.ts';

/** A thread that reads frames, checks them, decompresses them, and writes their pieces where they belong. */
const data = workerData as ContentWorkerData;
const store = openStore(data.location);
const targets = new TargetFiles(data.owner, FRAME_CONTENT_LIMIT);
let buffer = Buffer.allocUnsafeSlow(4 * FRAME_CONTENT_LIMIT);

type MutableAnswer = {
  pieces: ContentAnswer['pieces'][number][];
  damage: ErrorMessage[];
  storedBytes: number;
  writtenBytes: number;
};

async function readStored(request: ContentRequest): Promise<Buffer> {
  if (buffer.length < request.length) buffer = Buffer.allocUnsafeSlow(request.length);
  const bytes = buffer.subarray(0, request.length);
  await store.readInto(request.pack, request.offset, bytes);
  return bytes;
}

/** The content of one frame; `undefined`, with the damage noted, when it is not what it should be. */
function contentOf(
  frame: RequestedFrame,
  request: ContentRequest,
  stored: Buffer,
  answer: MutableAnswer,
): Buffer | undefined {
  const start = frame.offset - request.offset;
  const bytes = stored.subarray(start, start + FRAME_HEADER_LENGTH + frame.expected.storedLength);
  try {
    return decodeFrame(bytes, `${request.pack} at ${frame.offset}`, frame.expected);
  } catch (error) {
    answer.damage.push(errorToMessage(error));
    return undefined;
  }
}

async function usePieces(frame: RequestedFrame, content: Buffer, answer: MutableAnswer): Promise<void> {
  answer.storedBytes += frame.expected.storedLength;
  for (const piece of frame.pieces) {
    const bytes = content.subarray(piece.frameOffset, piece.frameOffset + piece.length);
    const replaced = await targets.checksumOfReplaced(piece.target, piece.fileOffset, bytes.length);
    if (piece.target !== undefined)
      answer.writtenBytes += await targets.write(piece.target, piece.fileOffset, bytes);
    answer.pieces.push({
      file: piece.file,
      length: piece.length,
      end: piece.fileOffset + piece.length,
      checksum: (crc32c(bytes) ^ replaced) >>> 0,
    });
  }
}

async function serve(request: ContentRequest): Promise<ContentAnswer> {
  const answer: MutableAnswer = { pieces: [], damage: [], storedBytes: 0, writtenBytes: 0 };
  let failure: ErrorMessage | undefined;
  let stored: Buffer;
  try {
    stored = await readStored(request);
  } catch (error) {
    return { ...answer, damage: [errorToMessage(error)], failure, buffered: targets.directRefused };
  }
  try {
    for (const frame of request.frames) {
      const content = contentOf(frame, request, stored, answer);
      if (content === undefined) continue;
      await usePieces(frame, content, answer);
      releaseFrame(content, stored);
    }
    await targets.settle();
  } catch (error) {
    failure = errorToMessage(error);
  }
  return { ...answer, failure, buffered: targets.directRefused };
}

parentPort?.on('message', (request: ContentRequest) => {
  void serve(request).then((answer) => parentPort?.postMessage(answer));
});
