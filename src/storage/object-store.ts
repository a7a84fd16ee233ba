/**
 * Bytes under names, and nothing else: the one interface between Larder and a disk or a bucket.
 *
 * The contract, which `test/storage/object-store-contract.ts` holds every implementation to:
 *
 * - Names are built by us (`repository/layout.ts`), never taken from input; see `object-name.ts`. No name is also the
 *   directory of another: with `a/b` there is no object `a`.
 * - An object appears whole or not at all, under its final name, and is durable when the promise resolves: a reader never
 *   sees half of one, and a power cut after the promise does not lose it.
 * - Absent, damaged and unreachable are three answers. `stat` gives `undefined` and reads throw OBJECT_MISSING only when
 *   the store has said that there is no such object. Every other failure is REPOSITORY_UNREACHABLE, REPOSITORY_FULL or
 *   REPOSITORY_NOT_WRITABLE, with the store's own words.
 * - The store does not retry; a wrapper may. Every call may be repeated after a failure without harm; after
 *   a failure whose answer was lost, `putIfAbsent` may meet its own object as OBJECT_EXISTS.
 * - An empty or absent root is an empty store. Whether objects should be there is for the repository to know.
 */
export interface ObjectStore {
  /** For messages: `./backups`, `s3://bucket/prefix`. Never holds a secret. */
  readonly description: string;

  /** Stores a small object in one call, if there is none of that name; OBJECT_EXISTS otherwise, the old one untouched. */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<void>;

  /** Stores a small object in one call in place of any older one, atomically. Only for the few objects that change. */
  replace(name: string, bytes: Uint8Array): Promise<void>;

  /** Begins a large object. It exists only after `commit`, which fails with OBJECT_EXISTS like `putIfAbsent`. */
  create(name: string): Promise<ObjectWriter>;

  /** The whole object. Throws OBJECT_MISSING, and OBJECT_DAMAGED when it is larger than `limit` bytes. */
  get(name: string, limit: number): Promise<Uint8Array>;

  /**
   * Fills `target` with the object's bytes from `offset` on. Throws OBJECT_MISSING, and OBJECT_DAMAGED when the object
   * ends before `target` is full. For objects that never change: one replaced by another process may still give its old bytes.
   */
  readInto(name: string, offset: number, target: Uint8Array): Promise<void>;

  /** Size and time of one object; `undefined` when the store says that there is none. */
  stat(name: string): Promise<ObjectInfo | undefined>;

  /** Every object whose name begins with `prefix` (a plain string prefix), in no promised order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;

  /** Removes one object; no error when it is already gone. */
  delete(name: string): Promise<void>;

  /**
   * Removes what writers that never committed left behind: temporary files, unfinished multipart uploads. Only the
   * holder of the repository's lease may call it. Returns how many it removed.
   */
  sweepUnfinished(): Promise<number>;

  /** Bytes the store can hold and has free; `undefined` where the store has no such limit. */
  capacity(): Promise<Capacity | undefined>;
}

/** One object being written. Calls are made one after the other: each waits for the one before. */
export interface ObjectWriter {
  /** Adds bytes; may keep `bytes` until the promise resolves, never after. */
  append(bytes: Uint8Array): Promise<void>;
  /** Makes the object durable and visible under its name; OBJECT_EXISTS if that name is taken. */
  commit(): Promise<void>;
  /** Gives the object up and removes what was written. Safe to call at any time, also after a failure. */
  abort(): Promise<void>;
}

export interface ObjectInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When the store says it was last written, milliseconds since 1970 UTC. */
  readonly modified: number;
}

export interface Capacity {
  /** Bytes in all. */
  readonly total: number;
  /** Bytes that we may still use. */
  readonly free: number;
}

/** Where a store is, as plain data: worker threads are handed one and open their own. */
export interface FilesystemLocation {
  readonly kind: 'filesystem';
  /** Absolute path. */
  readonly directory: string;
}

export type StoreLocation = FilesystemLocation;
