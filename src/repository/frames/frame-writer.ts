import type { Worker } from 'node:worker_threads';
import { shiftCrc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import { errorFromMessage, startWorker } from '../../worker-thread.ts';
import { FRAME_CONTENT_LIMIT, type FrameReference } from './frame.ts';
import type { FrameWorkerAnswer, FrameWorkerData, FrameWorkerRequest } from './frame-messages.ts';
import type { StoredObject } from './framed-object.ts';

export interface FrameWriterOptions {
  readonly location: StoreLocation;
  /** zstd level; 0 stores as it is. */
  readonly level: number;
  /** Threads that compress. */
  readonly workers: number;
}

/** A file on its way into frames. `checksum` is whole only after `finish`. */
export interface WrittenFile {
  readonly size: number;
  /** Where its first byte lies; the rest follows, through the frames by number. Undefined for an empty file. */
  readonly frame: number | undefined;
  readonly frameOffset: number;
  /** CRC-32C of the content. */
  readonly checksum: number;
}

/** What `finish` leaves: every frame by its number, and the packs that hold them. */
export interface WrittenFrames {
  readonly frames: readonly FrameReference[];
  readonly packs: readonly StoredObject[];
}

interface FileUnderway {
  readonly size: number;
  frame: number | undefined;
  frameOffset: number;
  checksum: number;
  written: number;
}

interface Piece {
  readonly file: FileUnderway;
  readonly length: number;
  /** Bytes of the file behind this piece. */
  readonly bytesAfter: number;
}

interface OpenFrame {
  readonly slab: number;
  readonly number: number;
  readonly pieces: Piece[];
  filled: number;
}

interface FrameThread {
  readonly worker: Worker;
  /** Resolves when the thread is gone, for whatever reason. */
  readonly ended: Promise<void>;
  /** Frames handed over and not answered yet, oldest first: a worker answers in order. */
  readonly underway: OpenFrame[];
}

/** A file of this size or more begins a frame of its own, so that a restore writes it in whole, aligned frames. */
const OWN_FRAME = FRAME_CONTENT_LIMIT / 2;
const SLABS_PER_WORKER = 4;
/** Slabs kept free while the source is paused: one read of the socket can begin this many frames. */
const RESERVE = 4;

/**
 * Cuts the contents of files into frames and has worker threads compress, hash and store them. Small files share frames.
 * Content is copied once, into a slab that a worker then owns. `write` never waits: when `hasRoom` is false the source
 * stops reading until `room` resolves. The threads are started at once and write nothing before `begin`.
 */
export class FrameWriter {
  readonly #slabs: Buffer[];
  readonly #free: number[];
  readonly #threads: FrameThread[];
  readonly #frames: FrameReference[] = [];
  #nextFrame = 0;
  #frame: OpenFrame | undefined;
  #file: FileUnderway | undefined;
  #failure: LarderError | undefined;
  #waiting: (() => void)[] = [];
  #storedBytes = 0;

  constructor(options: FrameWriterOptions) {
    const count = options.workers * SLABS_PER_WORKER + RESERVE;
    const slabs = Array.from({ length: count }, () => new SharedArrayBuffer(FRAME_CONTENT_LIMIT));
    const packCounter = new SharedArrayBuffer(4);
    const { location, level } = options;
    const workerData: FrameWorkerData = { location, level, slabs, packCounter };
    this.#slabs = slabs.map((slab) => Buffer.from(slab));
    this.#free = slabs.map((_, i) => i);
    this.#threads = Array.from({ length: options.workers }, () => this.#startThread(workerData));
  }

  /** Names the backup that the frames are of; comes before all content. */
  begin(backupId: string): void {
    for (const { worker } of this.#threads) post(worker, { kind: 'begin', backupId });
  }

  /** Payload bytes that the store has taken so far. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** Whether one more read of the source can be taken. */
  get hasRoom(): boolean {
    return this.#free.length >= RESERVE || this.#failure !== undefined;
  }

  /** Resolves when there is room again; rejects when a worker failed. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#change();
    this.#throwFailure();
  }

  /** Begins a file of exactly `size` bytes. */
  beginFile(size: number): WrittenFile {
    this.#throwFailure();
    if (size >= OWN_FRAME) this.#flush();
    this.#file = { size, frame: undefined, frameOffset: 0, checksum: 0, written: 0 };
    return this.#file;
  }

  /** Adds the bytes [start, end) of a buffer to the file that was begun last. */
  write(buffer: Buffer, start: number, end: number): void {
    this.#throwFailure();
    const file = this.#file;
    if (file === undefined || file.written + end - start > file.size) {
      throw new LarderError('INTERNAL', 'content outside of a file');
    }
    for (let position = start; position < end;) position += this.#copyPiece(file, buffer, position, end);
  }

  /** Waits until every frame is stored and every pack durable. */
  async finish(): Promise<WrittenFrames> {
    this.#flush();
    while (this.#threads.some((thread) => thread.underway.length > 0) && this.#failure === undefined)
      await this.#change();
    this.#throwFailure();
    const packs = await Promise.all(this.#threads.map((thread) => this.#finishThread(thread)));
    await this.#terminate();
    return { frames: this.#frames, packs: packs.flat().sort((a, b) => (a.name < b.name ? -1 : 1)) };
  }

  /** Stops the workers; what they were writing is removed. Never throws; may be called at any time, also after `finish`. */
  async abort(): Promise<void> {
    this.#fail(new LarderError('INTERRUPTED', 'the backup was given up'));
    await Promise.all(this.#threads.map((thread) => ask(thread, { kind: 'abort' }).catch(() => undefined)));
    await this.#terminate();
  }

  #copyPiece(file: FileUnderway, buffer: Buffer, start: number, end: number): number {
    const frame = (this.#frame ??= this.#openFrame());
    const length = Math.min(FRAME_CONTENT_LIMIT - frame.filled, end - start);
    buffer.copy(this.#slab(frame.slab), frame.filled, start, start + length);
    this.#recordPiece(file, frame, length);
    frame.filled += length;
    file.written += length;
    if (frame.filled === FRAME_CONTENT_LIMIT) this.#flush();
    return length;
  }

  /** Reads of the socket cut files anywhere: what lies in one frame is one piece. */
  #recordPiece(file: FileUnderway, frame: OpenFrame, length: number): void {
    if (file.frame === undefined) {
      file.frame = frame.number;
      file.frameOffset = frame.filled;
    }
    const last = frame.pieces.at(-1);
    const bytesAfter = file.size - file.written - length;
    if (last?.file === file)
      frame.pieces[frame.pieces.length - 1] = { file, length: last.length + length, bytesAfter };
    else frame.pieces.push({ file, length, bytesAfter });
  }

  #openFrame(): OpenFrame {
    const slab = this.#free.pop();
    if (slab === undefined)
      throw new LarderError('INTERNAL', 'the source was read although there was no room');
    return { slab, number: this.#nextFrame++, pieces: [], filled: 0 };
  }

  #flush(): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    this.#frame = undefined;
    const thread = this.#threads.reduce((a, b) => (b.underway.length < a.underway.length ? b : a));
    thread.underway.push(frame);
    const pieces = frame.pieces.map((piece) => piece.length);
    post(thread.worker, { kind: 'frame', slab: frame.slab, length: frame.filled, pieces });
  }

  #slab(index: number): Buffer {
    const slab = this.#slabs[index];
    if (slab === undefined) throw new LarderError('INTERNAL', `no slab ${index}`);
    return slab;
  }

  #startThread(workerData: FrameWorkerData): FrameThread {
    const worker = startWorker(import.meta.url, 'frame-worker', { workerData });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const thread: FrameThread = { worker, ended, underway: [] };
    worker.on('message', (answer: FrameWorkerAnswer) => this.#answered(thread, answer));
    worker.on('error', (error: Error) => {
      this.#fail(new LarderError('INTERNAL', `a frame worker ended: ${error.message}`, { cause: error }));
    });
    return thread;
  }

  #answered(thread: FrameThread, answer: FrameWorkerAnswer): void {
    if (answer.kind === 'failed') return this.#fail(errorFromMessage(answer.error));
    if (answer.kind !== 'frame') return;
    const frame = thread.underway.shift();
    if (frame?.slab !== answer.slab)
      return this.#fail(new LarderError('INTERNAL', 'a frame worker answered out of order'));
    this.#frames[frame.number] = answer.reference;
    this.#storedBytes += answer.reference.storedLength;
    frame.pieces.forEach(({ file, bytesAfter }, i) => {
      file.checksum = (file.checksum ^ shiftCrc32c(answer.checksums[i] ?? 0, bytesAfter)) >>> 0;
    });
    this.#free.push(frame.slab);
    this.#changed();
  }

  async #finishThread(thread: FrameThread): Promise<readonly StoredObject[]> {
    const answer = await ask(thread, { kind: 'finish' });
    if (answer.kind === 'finished') return answer.packs;
    throw answer.kind === 'failed'
      ? errorFromMessage(answer.error)
      : new LarderError('INTERNAL', 'unexpected answer');
  }

  async #terminate(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.worker.terminate()));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #fail(error: LarderError): void {
    this.#failure ??= error;
    this.#changed();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function post(worker: Worker, request: FrameWorkerRequest): void {
  worker.postMessage(request);
}

/**
 * Sends a request that is answered once, after everything sent before it; rejects when the worker ends, or has ended,
 * instead. Failures of frames sent before are no answer to `abort`: the worker has yet to remove what it wrote.
 */
function ask(
  { worker, ended }: FrameThread,
  request: { readonly kind: 'finish' | 'abort' },
): Promise<FrameWorkerAnswer> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: FrameWorkerAnswer): void => {
      if (answer.kind === 'frame' || (answer.kind === 'failed' && request.kind === 'abort')) return;
      worker.off('message', onMessage);
      resolve(answer);
    };
    worker.on('message', onMessage);
    void ended.then(() => reject(new LarderError('INTERNAL', 'a frame worker ended early')));
    post(worker, request);
  });
}
