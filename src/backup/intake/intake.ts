import type { FrameReference } from '../../repository/frames/frame.ts';
import type { StoredObject } from '../../repository/frames/framed-object.ts';
import type { FrameAddresses } from '../../repository/manifest/frame-addresses.ts';
import type { ChainMember, FileEntry } from '../../repository/manifest/records.ts';
import type { SourceFile } from '../sources/source.ts';

/**
 * Takes the contents of files and decides what of them is stored: everything, or what an earlier backup does not have.
 * Files come one after the other. Nothing here waits: when `hasRoom` is false the source stops reading until `room`
 * resolves.
 */
export interface Intake {
  /** Payload bytes that the store has taken so far. */
  readonly storedBytes: number;
  /** Whether one more read of the source can be taken. */
  readonly hasRoom: boolean;
  /** Resolves when there is room again; rejects when something failed. */
  room(): Promise<void>;
  /** @throws LarderError PROTOCOL_VIOLATION when the server cannot mean it; what failed before */
  open(file: SourceFile): IncomingFile;
  /** Waits until everything is stored and durable. */
  finish(): Promise<StoredContent>;
  /** Gives everything up. Never throws; may be called at any time. */
  abort(): Promise<void>;
}

/** One file on its way in. */
export interface IncomingFile {
  /** In the cluster; the server may send it under another name. */
  readonly path: string;
  write(buffer: Buffer, start: number, end: number): void;
  end(): void;
  /** CRC-32C of what was sent; whole once the intake has finished. */
  readonly sentChecksum: number;
  /** What the manifest says of it, once the intake has finished. */
  entry(addresses: FrameAddresses): FileEntry;
}

/** What an intake leaves. */
export interface StoredContent {
  /** The backups that the frames lie in, this one last. */
  readonly chain: readonly ChainMember[];
  readonly frames: readonly FrameReference[];
  /** The objects that were stored for this backup. */
  readonly objects: readonly StoredObject[];
}
