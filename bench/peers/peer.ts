import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Measurement } from '../measure.ts';

/** A program that backs up one server. Each full backup begins with an empty repository of its own. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Removes every earlier backup and makes ready for the next; not measured. */
  prepare(): Promise<void>;
  /** A full one. */
  backup(): Promise<Measurement>;
  /**
   * What changed since the newest backup of the repository, on which the next one builds in its turn. Server 17 or later,
   * where the server has to tell. Throws when the program took a full one instead.
   */
  incremental(): Promise<Measurement>;
  /** All that lies in its repository. */
  storedBytes(): Promise<number>;
  /** What the newest backup needs that earlier ones do not hold. */
  addedBytes(): Promise<AddedBytes>;
  /** Restores the newest backup into a directory that does not exist; durable when it returns. `undefined`: it cannot. */
  readonly restore: ((target: string) => Promise<Measurement>) | undefined;
}

export interface AddedBytes {
  /** With the log that makes it consistent. */
  readonly bytes: number;
  /** Of them, what lies in an archive of the log; 0 where the backup carries its log itself. */
  readonly archivedBytes: number;
}

/** The sizes of all files below a directory: `[path, bytes]`. */
export async function filesBelow(directory: string): Promise<[string, number][]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file): Promise<[string, number]> => [file, (await lstat(file)).size]));
}

/** The sum of the sizes of all files below a directory, bytes. */
export async function bytesBelow(directory: string): Promise<number> {
  return (await filesBelow(directory)).reduce((sum, [, size]) => sum + size, 0);
}
