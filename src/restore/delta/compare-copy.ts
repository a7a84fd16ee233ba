import { shiftCrc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';
import { HASH_LENGTH, UNIT } from '../../repository/block-hashes.ts';
import { blockHashesName } from '../../repository/layout.ts';
import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import { runInWorkers } from '../../worker-pool.ts';
import { errorFromMessage, startWorker } from '../../worker-thread.ts';
import type { FileContents } from '../read-contents.ts';
import type {
  CompareAnswer,
  ComparedPart,
  ComparePart,
  CompareRequest,
  CompareWorkerData,
} from './compare-messages.ts';
import { DifferingUnits } from './differing-units.ts';
import type { KeptFile } from './survey.ts';

/** Bytes read from the copy at once. */
const PART_LIMIT = 1024 * 1024;
/** Of one request. */
const REQUEST_LIMIT = 16 * 1024 * 1024;
const PARTS_LIMIT = 256;

export interface CompareRun {
  readonly location: StoreLocation;
  readonly manifest: Manifest;
  readonly kept: ReadonlyMap<number, KeptFile>;
  readonly workers: number;
  readonly onProgress: (doneBytes: number) => void;
  readonly signal: AbortSignal;
}

/** What the copy has of the backup. */
export interface Comparison {
  /** By file: what is to be written. A kept file without an entry has to be compared with the backup's content itself. */
  readonly differing: ReadonlyMap<number, DifferingUnits>;
  /** By file: what is as it should be, as if it had been read from the backup. */
  readonly equal: ReadonlyMap<number, FileContents>;
  /** Bytes of the copy that were read. */
  readonly comparedBytes: number;
}

/**
 * Reads the files of a copy and compares every unit with the hash that the backup has of it. Neither time nor size of a file
 * is believed: a copy that was started, and one that a disk damaged, show neither.
 * @throws LarderError RESTORE_FAILED, the store's errors, the signal's reason
 */
export async function compareCopy(run: CompareRun): Promise<Comparison> {
  const comparison = new Comparing(run);
  const workerData: CompareWorkerData = { location: run.location, partLimit: PART_LIMIT };
  const requests = compareRequests(run);
  if (comparison.totalBytes > 0) {
    const workers = Array.from({ length: run.workers }, () =>
      startWorker(import.meta.url, 'compare-worker', { workerData }),
    );
    await runInWorkers(workers, requests, {
      onAnswer: (answer) => comparison.take(answer as CompareAnswer),
      signal: run.signal,
    });
  }
  return comparison;
}

/** Bytes of a kept file that are read; 0 where there is nothing to compare them with. */
export function comparableBytes(manifest: Manifest, index: number, { stats }: KeptFile): number {
  const file = manifest.files[index];
  return file?.hashes === undefined ? 0 : Math.min(Math.ceil(stats.size / UNIT) * UNIT, file.size);
}

class Comparing implements Comparison {
  readonly differing = new Map<number, DifferingUnits>();
  readonly equal = new Map<number, { checksum: number; bytes: number }>();
  readonly totalBytes: number;
  comparedBytes = 0;
  readonly #run: CompareRun;
  /** Files of which some hashes are lost. */
  readonly #unknown = new Set<number>();

  constructor(run: CompareRun) {
    this.#run = run;
    let totalBytes = 0;
    for (const [index, kept] of run.kept) {
      const file = run.manifest.files[index];
      if (file?.hashes === undefined) continue;
      const differing = new DifferingUnits(file.size);
      const bytes = comparableBytes(run.manifest, index, kept);
      differing.addBytes(bytes, file.size);
      this.differing.set(index, differing);
      totalBytes += bytes;
    }
    this.totalBytes = totalBytes;
  }

  take({ parts, failure }: CompareAnswer): void {
    if (failure !== undefined) throw readFailure(failure);
    for (const part of parts) this.#add(part);
    this.#run.onProgress(this.comparedBytes);
  }

  #add(part: ComparedPart): void {
    const { file, fileOffset, length, differing, equalBytes, checksum } = part;
    if (differing !== undefined) this.comparedBytes += length;
    if (differing === undefined) {
      this.#unknown.add(file);
      this.differing.delete(file);
      this.equal.delete(file);
    }
    if (differing === undefined || this.#unknown.has(file)) return;
    for (const units of differing) this.differing.get(file)?.add(units);
    if (equalBytes === 0) return;
    const equal = this.equal.get(file) ?? { checksum: 0, bytes: 0 };
    const size = this.#run.manifest.files[file]?.size ?? 0;
    equal.checksum = (equal.checksum ^ shiftCrc32c(checksum, size - fileOffset - length)) >>> 0;
    equal.bytes += equalBytes;
    this.equal.set(file, equal);
  }
}

function readFailure(failure: NonNullable<CompareAnswer['failure']>): LarderError {
  const error = errorFromMessage(failure);
  if (error.code !== 'INTERNAL') return error;
  return new LarderError('RESTORE_FAILED', `could not read the copy: ${error.message}`, {
    hint: 'The directory cannot be started; mend the cause and restore again, or restore into an empty directory.',
    cause: error,
  });
}

/** In the order of the manifest, which is about that of the hashes. */
function* compareRequests(run: CompareRun): Generator<CompareRequest> {
  let parts: ComparePart[] = [];
  let bytes = 0;
  for (const part of compareParts(run)) {
    if (parts.length > 0 && (bytes + part.length > REQUEST_LIMIT || parts.length >= PARTS_LIMIT)) {
      yield { parts };
      [parts, bytes] = [[], 0];
    }
    parts.push(part);
    bytes += part.length;
  }
  if (parts.length > 0) yield { parts };
}

function* compareParts({ manifest, kept }: CompareRun): Generator<ComparePart> {
  for (const [index, file] of manifest.files.entries()) {
    const found = kept.get(index);
    const member = file.hashes === undefined ? undefined : manifest.chain[file.hashes.member];
    if (found === undefined || file.hashes === undefined || member === undefined) continue;
    const object = blockHashesName(member.id);
    const bytes = comparableBytes(manifest, index, found);
    for (let fileOffset = 0; fileOffset < bytes; fileOffset += PART_LIMIT) {
      const length = Math.min(PART_LIMIT, bytes - fileOffset);
      const offset = file.hashes.offset + (fileOffset / UNIT) * HASH_LENGTH;
      yield { file: index, path: found.path, fileOffset, length, object, offset };
    }
  }
}
