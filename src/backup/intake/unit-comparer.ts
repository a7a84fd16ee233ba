import { shiftCrc32c } from '../../crc32c.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import { HASH_LENGTH, UNIT, unitsOf, type BlockHashesWriter } from '../../repository/block-hashes.ts';
import { FRAME_CONTENT_LIMIT } from '../../repository/frames/frame.ts';
import type { FrameWriter, WrittenFile } from '../../repository/frames/frame-writer.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import { TaskPool } from '../../task-pool.ts';
import { startWorker } from '../../worker-thread.ts';
import type {
  ComparedPiece,
  CompareResult,
  CompareTask,
  CompareWorkerData,
  EarlierHashes,
} from './compare-messages.ts';

/** A stretch of a file that was stored anew. */
export interface StoredRun {
  readonly fileOffset: number;
  readonly length: number;
  readonly written: WrittenFile;
}

/** A file on its way through the comparer; everything but the size is whole only after `finish`. */
export interface ComparedFile {
  readonly size: number;
  /** CRC-32C of the content. */
  checksum: number;
  /** What is not as it was, ascending. */
  readonly runs: StoredRun[];
  /** Where its new list of hashes lies; undefined where it is as it was, or the file is empty. */
  hashes: number | undefined;
}

interface FileUnderway extends ComparedFile {
  /** The hashes of all its units. */
  readonly earlier: EarlierHashes | undefined;
  written: number;
  parts: Buffer[];
}

interface Piece {
  readonly file: FileUnderway;
  readonly fileOffset: number;
  length: number;
}

interface OpenSlab {
  readonly slab: number;
  readonly pieces: Piece[];
  filled: number;
}

const SLABS_PER_WORKER = 2;
/** Slabs kept free while the source is paused: one read of the socket can begin this many. */
const RESERVE = 4;

/**
 * Compares what comes in with the hashes of an earlier backup, unit by unit, on worker threads, and stores what is not as it
 * was. Answers are taken in the order of the content, so that what is stored keeps the order of the files.
 */
export class UnitComparer {
  readonly #frames: FrameWriter;
  readonly #hashes: BlockHashesWriter;
  readonly #slabs: Buffer[];
  readonly #free: number[];
  readonly #pool: TaskPool<CompareTask, CompareResult>;
  #slab: OpenSlab | undefined;
  #taken: Promise<void> = Promise.resolve();
  #failure: LarderError | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    location: StoreLocation,
    workers: number,
    { frames, hashes }: { readonly frames: FrameWriter; readonly hashes: BlockHashesWriter },
  ) {
    this.#frames = frames;
    this.#hashes = hashes;
    const count = workers * SLABS_PER_WORKER + RESERVE;
    const slabs = Array.from({ length: count }, () => new SharedArrayBuffer(FRAME_CONTENT_LIMIT));
    const workerData: CompareWorkerData = { location, slabs };
    this.#slabs = slabs.map((slab) => Buffer.from(slab));
    this.#free = slabs.map((_, i) => i);
    this.#pool = new TaskPool(() => startWorker(import.meta.url, 'compare-worker', { workerData }), {
      threads: workers,
    });
  }

  get hasRoom(): boolean {
    return this.#free.length >= RESERVE || this.#failure !== undefined;
  }

  /** Resolves when there is room again; rejects when something failed. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#throwFailure();
  }

  /** @param earlier the hashes of the file's units as an earlier backup knows them */
  begin(size: number, earlier: EarlierHashes | undefined): ComparedFile {
    this.#throwFailure();
    const file: FileUnderway = {
      size,
      checksum: 0,
      runs: [],
      hashes: undefined,
      earlier,
      written: 0,
      parts: [],
    };
    return file;
  }

  /** Adds the bytes [start, end) of a buffer to a file that was begun here. */
  write(begun: ComparedFile, buffer: Buffer, start: number, end: number): void {
    this.#throwFailure();
    const file = begun as FileUnderway;
    if (file.written + end - start > file.size)
      throw new LarderError('INTERNAL', 'content outside of a file');
    for (let position = start; position < end;) position += this.#copy(file, buffer, position, end);
  }

  /** Waits until everything is compared, and what changed is with the frame writer. */
  async finish(): Promise<void> {
    this.#flush();
    await this.#taken;
    await this.#pool.close();
    this.#throwFailure();
  }

  /** Never throws. */
  async abort(): Promise<void> {
    this.#fail(new LarderError('INTERRUPTED', 'the backup was given up'));
    await this.#pool.close();
    await this.#taken;
  }

  #copy(file: FileUnderway, buffer: Buffer, start: number, end: number): number {
    const slab = this.#slabFor(file);
    const length = Math.min(roomFor(file, FRAME_CONTENT_LIMIT - slab.filled), end - start);
    buffer.copy(this.#bytes(slab.slab), slab.filled, start, start + length);
    const last = slab.pieces.at(-1);
    if (last?.file === file) last.length += length;
    else slab.pieces.push({ file, fileOffset: file.written, length });
    slab.filled += length;
    file.written += length;
    if (slab.filled === FRAME_CONTENT_LIMIT) this.#flush();
    return length;
  }

  /** The open slab, or a new one where it has no room for the next bytes: no unit lies in two. */
  #slabFor(file: FileUnderway): OpenSlab {
    if (this.#slab !== undefined && roomFor(file, FRAME_CONTENT_LIMIT - this.#slab.filled) === 0)
      this.#flush();
    return (this.#slab ??= this.#openSlab());
  }

  #openSlab(): OpenSlab {
    const slab = this.#free.pop();
    if (slab === undefined)
      throw new LarderError('INTERNAL', 'the source was read although there was no room');
    return { slab, pieces: [], filled: 0 };
  }

  #flush(): void {
    const open = this.#slab;
    if (open === undefined) return;
    this.#slab = undefined;
    const compared = this.#pool.run({ slab: open.slab, pieces: open.pieces.map(toTask) });
    // its failure is taken in its turn
    compared.catch(() => undefined);
    this.#taken = this.#taken
      .then(async () => this.#take(open, await compared))
      .catch((error: unknown) => this.#fail(toLarderError(error)));
  }

  async #take(open: OpenSlab, results: CompareResult): Promise<void> {
    if (this.#failure !== undefined) return;
    let position = 0;
    for (const [i, piece] of open.pieces.entries()) {
      const result = results[i];
      if (result === undefined) throw new LarderError('INTERNAL', 'a comparison without its result');
      await this.#store(piece, result, this.#bytes(open.slab).subarray(position, position + piece.length));
      position += piece.length;
      if (piece.fileOffset + piece.length === piece.file.size) await this.#complete(piece.file);
    }
    this.#free.push(open.slab);
    this.#changed();
  }

  async #store({ file, fileOffset }: Piece, result: ComparedPiece, bytes: Buffer): Promise<void> {
    const bytesAfter = file.size - fileOffset - bytes.length;
    file.checksum = (file.checksum ^ shiftCrc32c(result.checksum, bytesAfter)) >>> 0;
    file.parts.push(Buffer.from(result.hashes));
    for (const [unit, count] of result.changed) {
      const start = unit * UNIT;
      const end = Math.min(start + count * UNIT, bytes.length);
      if (!this.#frames.hasRoom) await this.#frames.room();
      const written = this.#frames.beginFile(end - start);
      this.#frames.write(bytes, start, end);
      file.runs.push({ fileOffset: fileOffset + start, length: end - start, written });
    }
  }

  /** A file that is as it was keeps the list that it had. */
  async #complete(file: FileUnderway): Promise<void> {
    const asItWas = file.runs.length === 0 && file.earlier?.units === unitsOf(file.size);
    if (!asItWas) file.hashes = await this.#hashes.add(file.parts);
    file.parts = [];
  }

  #bytes(slab: number): Buffer {
    const bytes = this.#slabs[slab];
    if (bytes === undefined) throw new LarderError('INTERNAL', `no slab ${slab}`);
    return bytes;
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

/** Bytes of the file that may go into so many free ones without cutting a unit: 0 when not even the next one fits. */
function roomFor({ size, written }: FileUnderway, free: number): number {
  const rest = size - written;
  if (rest <= free) return rest;
  const begun = written % UNIT;
  return Math.max(0, Math.floor((free + begun) / UNIT) * UNIT - begun);
}

function toTask({ file, fileOffset, length }: Piece): CompareTask['pieces'][number] {
  const { earlier } = file;
  if (earlier === undefined) return { length, earlier };
  const first = fileOffset / UNIT;
  const units = Math.max(0, Math.min(unitsOf(length), earlier.units - first));
  return { length, earlier: { object: earlier.object, offset: earlier.offset + first * HASH_LENGTH, units } };
}
