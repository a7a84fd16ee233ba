import type { StoreLocation } from '../../storage/object-store.ts';
import type { ErrorMessage } from '../../worker-thread.ts';
import type { UnitRun } from './differing-units.ts';

/** What the comparison of a copy and its worker threads say to each other. */
export interface CompareWorkerData {
  readonly location: StoreLocation;
  /** The most bytes a part has. */
  readonly partLimit: number;
}

/** Parts of files whose hashes follow each other, as far as possible. */
export interface CompareRequest {
  readonly parts: readonly ComparePart[];
}

export interface ComparePart {
  /** Index into the manifest's files. */
  readonly file: number;
  readonly path: string | Uint8Array;
  /** A multiple of the unit. */
  readonly fileOffset: number;
  /** Of whole units, but for the file's last one. */
  readonly length: number;
  /** Where the hashes of its units lie. */
  readonly object: string;
  readonly offset: number;
}

export interface CompareAnswer {
  readonly parts: readonly ComparedPart[];
  /** What ended the request: a file that cannot be read, a store that does not answer. */
  readonly failure: ErrorMessage | undefined;
}

export interface ComparedPart {
  readonly file: number;
  readonly fileOffset: number;
  readonly length: number;
  /** Units of the file that differ; undefined: its hashes are lost, nothing is known. */
  readonly differing: readonly UnitRun[] | undefined;
  /** Bytes that are as they should be. */
  readonly equalBytes: number;
  /** What those contribute to the CRC-32C of the part. */
  readonly checksum: number;
}
