import type { ErrorMessage } from '../../worker-thread.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import type { FrameReference } from './frame.ts';
import type { StoredObject } from './framed-object.ts';

/** What the frame writer and its workers say to each other. */
export interface FrameWorkerData {
  readonly location: StoreLocation;
  readonly level: number;
  /** Buffers of FRAME_CONTENT_LIMIT bytes each; a worker owns one from a `frame` request to its answer. */
  readonly slabs: readonly SharedArrayBuffer[];
  /** One counter for all workers: the last pack number given out. */
  readonly packCounter: SharedArrayBuffer;
}

export interface FrameRequest {
  readonly kind: 'frame';
  readonly slab: number;
  readonly length: number;
  /** Lengths of the pieces of files that follow each other in the slab. */
  readonly pieces: readonly number[];
}

export type FrameWorkerRequest =
  | FrameRequest
  /** Before the first frame: what the packs are named after. */
  | { readonly kind: 'begin'; readonly backupId: string }
  | { readonly kind: 'finish' }
  | { readonly kind: 'abort' };

export type FrameWorkerAnswer =
  | {
      readonly kind: 'frame';
      readonly slab: number;
      readonly reference: FrameReference;
      /** CRC-32C of each piece. */
      readonly checksums: readonly number[];
    }
  | { readonly kind: 'finished'; readonly packs: readonly StoredObject[] }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly error: ErrorMessage };
