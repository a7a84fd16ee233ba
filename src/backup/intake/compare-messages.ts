import type { StoreLocation } from '../../storage/object-store.ts';

/** What the comparer and its workers say to each other. */
export interface CompareWorkerData {
  readonly location: StoreLocation;
  /** A worker owns one from a task to its answer. */
  readonly slabs: readonly SharedArrayBuffer[];
}

export interface CompareTask {
  readonly slab: number;
  /** Parts of files that follow each other in the slab; each begins at a unit's boundary in its file. */
  readonly pieces: readonly {
    readonly length: number;
    /** The hashes that its units had; undefined: none are known. */
    readonly earlier: EarlierHashes | undefined;
  }[];
}

export interface EarlierHashes {
  readonly object: string;
  /** Of the hash of the piece's first unit. */
  readonly offset: number;
  /** Fewer than the piece has units, where the file was shorter. */
  readonly units: number;
}

/** For each piece, in order. */
export type CompareResult = readonly ComparedPiece[];

export interface ComparedPiece {
  /** CRC-32C of the piece. */
  readonly checksum: number;
  readonly hashes: Uint8Array;
  /** First unit and number of units of each stretch that is not as it was, ascending. */
  readonly changed: readonly (readonly [number, number])[];
}
