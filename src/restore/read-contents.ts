import { shiftCrc32c } from '../crc32c.ts';
import type { LarderError } from '../errors.ts';
import { FRAME_HEADER_LENGTH } from '../repository/frames/frame.ts';
import type { Manifest } from '../repository/manifest/manifest-reader.ts';
import type { StoreLocation } from '../storage/object-store.ts';
import { runInWorkers } from '../worker-pool.ts';
import { errorFromMessage, startWorker } from '../worker-thread.ts';
import type {
  ContentAnswer,
  ContentRequest,
  ContentWorkerData,
  PieceTarget,
  RequestedFrame,
} from './content-messages.ts';
import type { FrameWork, Piece } from './pieces.ts';

/** Frames of one pack are read together up to this many bytes. */
const READ_LIMIT = 4 * 1024 * 1024;
/** Bytes between two needed frames that are rather read over than skipped. */
const GAP_LIMIT = 64 * 1024;

export interface ContentRun {
  readonly location: StoreLocation;
  readonly manifest: Manifest;
  readonly work: readonly FrameWork[];
  readonly workers: number;
  readonly owner: ContentWorkerData['owner'];
  /** Where a file is to be written, by its index; `undefined` only reads and checks. */
  readonly targetOf: (file: number) => PieceTarget | undefined;
  /** What of a piece is to be taken, where that is not all of it. */
  readonly partsOf?: (piece: Piece) => Iterable<Piece>;
  readonly onProgress: (doneBytes: number) => void;
  /** A frame that is missing, damaged or not the one it should be. Throwing ends the run. */
  readonly onDamage: (error: LarderError) => void;
  readonly signal: AbortSignal;
}

/** What was read of each file, by its index. */
export interface FileContents {
  /** CRC-32C of the content, whole when `bytes` equals the file's size. */
  readonly checksum: number;
  /** Bytes read. */
  readonly bytes: number;
}

export interface Contents {
  /** What was read of each file; files without content have none. */
  readonly files: ReadonlyMap<number, FileContents>;
  readonly writtenBytes: number;
  /** Whether a file system refused O_DIRECT. */
  readonly buffered: boolean;
}

/**
 * Reads every needed frame once, in pack order, on worker threads, which check, decompress and write.
 * @throws LarderError RESTORE_FAILED when a target cannot be written; what `onDamage` throws; the signal's reason
 */
export async function readContents(run: ContentRun): Promise<Contents> {
  const files = new Map<number, { checksum: number; bytes: number }>();
  let doneBytes = 0;
  let writtenBytes = 0;
  let buffered = false;
  const onAnswer = (answer: ContentAnswer): void => {
    for (const piece of answer.pieces) {
      const file = files.get(piece.file) ?? { checksum: 0, bytes: 0 };
      const size = run.manifest.files[piece.file]?.size ?? piece.end;
      file.checksum = (file.checksum ^ shiftCrc32c(piece.checksum, size - piece.end)) >>> 0;
      file.bytes += piece.length;
      doneBytes += piece.length;
      files.set(piece.file, file);
    }
    writtenBytes += answer.writtenBytes;
    buffered ||= answer.buffered;
    run.onProgress(doneBytes);
    for (const damage of answer.damage) run.onDamage(errorFromMessage(damage));
    if (answer.failure !== undefined) throw errorFromMessage(answer.failure);
  };
  const workerData: ContentWorkerData = { location: run.location, owner: run.owner };
  const workers = Array.from({ length: run.workers }, () =>
    startWorker(import.meta.url, 'content-worker', { workerData }),
  );
  await runInWorkers(workers, requests(run), {
    onAnswer: (answer) => onAnswer(answer as ContentAnswer),
    signal: run.signal,
  });
  return { files, writtenBytes, buffered };
}

/** Neighbouring frames as one request each. */
function* requests(run: ContentRun): Generator<ContentRequest> {
  let group: FrameWork[] = [];
  for (const work of run.work) {
    if (group.length > 0 && !belongsTo(group, work)) {
      yield toRequest(run, group);
      group = [];
    }
    group.push(work);
  }
  if (group.length > 0) yield toRequest(run, group);
}

function endOf({ frame }: FrameWork): number {
  return frame.offset + FRAME_HEADER_LENGTH + frame.storedLength;
}

function belongsTo(group: readonly FrameWork[], next: FrameWork): boolean {
  const first = group[0];
  const last = group.at(-1);
  if (first === undefined || last === undefined || first.pack !== next.pack) return false;
  return next.frame.offset - endOf(last) <= GAP_LIMIT && endOf(next) - first.frame.offset <= READ_LIMIT;
}

function toRequest(run: ContentRun, group: readonly FrameWork[]): ContentRequest {
  const offset = group[0]?.frame.offset ?? 0;
  const end = Math.max(...group.map(endOf));
  const frames = group.map((work) => toRequestedFrame(run, work));
  return { pack: group[0]?.pack ?? '', offset, length: end - offset, frames };
}

function toRequestedFrame(run: ContentRun, { frame, pieces }: FrameWork): RequestedFrame {
  const { storedLength, contentLength, checksum } = frame;
  return {
    offset: frame.offset,
    expected: { storedLength, contentLength, checksum },
    pieces: pieces
      .flatMap((piece) => (run.partsOf === undefined ? piece : [...run.partsOf(piece)]))
      .map((piece) => ({ ...piece, target: run.targetOf(piece.file) })),
  };
}
