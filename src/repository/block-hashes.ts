import { createHash, hash } from 'node:crypto';
import type { ObjectStore, ObjectWriter } from '../storage/object-store.ts';
import type { StoredObject } from './frames/framed-object.ts';
import { encodeObjectHeader } from './object-header.ts';

/** Bytes of a file that are compared, and stored, as one: PostgreSQL's block. Units begin at its multiples in the file. */
export const UNIT = 8192;
/**
 * Of each hash: the first 64 bits of SHA-256. A changed unit is missed once in 1.8e19, whoever made the change and why: of
 * 1e8 changed units a day one in half a billion years, far below what disks and memory flip unseen (design, section 5).
 */
export const HASH_LENGTH = 8;

export function unitsOf(bytes: number): number {
  return Math.ceil(bytes / UNIT);
}

/** The hashes of the units of some bytes that begin at a unit's boundary, one behind the other. */
export function hashUnits(bytes: Buffer): Buffer {
  const hashes = Buffer.allocUnsafe(unitsOf(bytes.length) * HASH_LENGTH);
  for (let start = 0, place = 0; start < bytes.length; start += UNIT, place += HASH_LENGTH)
    // as text of one character a byte: a buffer for each hash costs a fifth of the whole
    hashes.write(hash('sha256', bytes.subarray(start, start + UNIT), 'binary'), place, HASH_LENGTH, 'latin1');
  return hashes;
}

const GATHERED = 256 * 1024;

/** Writes the hashes of one backup: the object header, then list after list. Calls are made one after the other. */
export class BlockHashesWriter {
  readonly #name: string;
  readonly #writer: ObjectWriter;
  readonly #hash = createHash('sha256');
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #size = 0;

  private constructor(name: string, writer: ObjectWriter) {
    this.#name = name;
    this.#writer = writer;
  }

  static async open(store: ObjectStore, name: string): Promise<BlockHashesWriter> {
    const hashes = new BlockHashesWriter(name, await store.create(name));
    await hashes.add([encodeObjectHeader('hashes')]);
    return hashes;
  }

  /** Adds a list in parts; resolves to its place, bytes from the beginning of the object. */
  async add(parts: readonly Buffer[]): Promise<number> {
    const offset = this.#size;
    for (const part of parts) {
      this.#gathered.push(part);
      this.#gatheredBytes += part.length;
      this.#size += part.length;
    }
    if (this.#gatheredBytes >= GATHERED) await this.#flush();
    return offset;
  }

  async commit(): Promise<StoredObject> {
    await this.#flush();
    await this.#writer.commit();
    return { name: this.#name, size: this.#size, sha256: this.#hash.digest('hex') };
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#hash.update(bytes);
    await this.#writer.append(bytes);
  }
}
