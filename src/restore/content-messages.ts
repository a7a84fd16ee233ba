import type { FrameHeader } from '../repository/frames/frame.ts';
import type { StoreLocation } from '../storage/object-store.ts';
import type { ErrorMessage } from '../worker-thread.ts';

/** What the reader of contents and its worker threads say to each other. */
export interface ContentWorkerData {
  readonly location: StoreLocation;
  /** The user and group that written files shall belong to; `undefined` leaves them as they come. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** Frames that lie one behind the other in one pack, read at once. */
export interface ContentRequest {
  readonly pack: string;
  readonly offset: number;
  /** Bytes from the first frame's header to the last one's end. */
  readonly length: number;
  readonly frames: readonly RequestedFrame[];
}

export interface RequestedFrame {
  /** Of the frame's header, from the beginning of the pack. */
  readonly offset: number;
  readonly expected: FrameHeader;
  readonly pieces: readonly RequestedPiece[];
}

export interface RequestedPiece {
  /** Index into the manifest's files. */
  readonly file: number;
  readonly fileOffset: number;
  readonly frameOffset: number;
  readonly length: number;
  /** Where to write; `undefined` only reads. */
  readonly target: PieceTarget | undefined;
}

export interface PieceTarget {
  readonly path: string | Uint8Array;
  /** Of the whole file, bytes. */
  readonly fileSize: number;
  /**
   * What an earlier copy left: `overwrite` makes no new file of it, `replace` also answers with the checksum of what was there,
   * `compare` writes only what differs from what is there. `undefined`: there is none.
   */
  readonly earlier?: 'overwrite' | 'replace' | 'compare' | undefined;
}

export interface ContentAnswer {
  /** Payload bytes read. */
  readonly storedBytes: number;
  readonly pieces: readonly {
    readonly file: number;
    readonly end: number;
    readonly length: number;
    /** What it adds to that of the file; where it replaced something, less what that added. */
    readonly checksum: number;
  }[];
  /** Bytes written to files. */
  readonly writtenBytes: number;
  /** Frames that could not be read or are not what they should be. */
  readonly damage: readonly ErrorMessage[];
  /** What ended the request: the target could not be written. */
  readonly failure: ErrorMessage | undefined;
  /** Whether the file system refused to write past its page cache. */
  readonly buffered: boolean;
}
