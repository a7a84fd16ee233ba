import { createHash, type Hash } from 'node:crypto';
import type { ObjectStore, ObjectWriter } from '../../storage/object-store.ts';
import { encodeObjectHeader } from '../object-header.ts';
import { encodeFrame, releaseFrame, type FrameReference } from './frame.ts';
import type { StoredObject } from './framed-object.ts';

/** A pack is closed once it holds this many bytes, so that a failed upload costs little and reads spread. */
const PACK_LIMIT = 64 * 1024 * 1024;

interface OpenPack {
  readonly number: number;
  readonly name: string;
  readonly writer: ObjectWriter;
  readonly hash: Hash;
  size: number;
}

export interface PackWriterOptions {
  readonly store: ObjectStore;
  /** A number no other pack of this backup has. */
  readonly nextNumber: () => number;
  readonly nameOf: (number: number) => string;
  /** zstd level; 0 stores as it is. */
  readonly level: number;
}

/** Turns contents into frames and frames into packs. Calls are made one after the other. */
export class PackWriter {
  readonly #options: PackWriterOptions;
  #pack: OpenPack | undefined;
  /** Full packs become durable while the next one fills. */
  #closing: Promise<StoredObject>[] = [];

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  /** Adds one frame. The promise resolves when the store has taken its bytes, not when they are durable. */
  async add(content: Buffer): Promise<FrameReference> {
    const frame = encodeFrame(content, this.#options.level);
    const pack = this.#pack ?? (await this.#open());
    const offset = pack.size;
    await append(pack, frame.header);
    await append(pack, frame.payload);
    releaseFrame(frame.payload, content);
    if (pack.size >= PACK_LIMIT) this.#close();
    return {
      pack: pack.number,
      offset,
      storedLength: frame.storedLength,
      contentLength: frame.contentLength,
      checksum: frame.checksum,
    };
  }

  /** Makes everything durable. Resolves to every pack that was written. */
  async finish(): Promise<StoredObject[]> {
    this.#close();
    return Promise.all(this.#closing);
  }

  /** Gives up the pack that is open; packs already closed stay, to be removed with the rest of the backup. */
  async abort(): Promise<void> {
    const pack = this.#pack;
    this.#pack = undefined;
    await Promise.allSettled(this.#closing);
    await pack?.writer.abort();
  }

  async #open(): Promise<OpenPack> {
    const number = this.#options.nextNumber();
    const name = this.#options.nameOf(number);
    const pack = {
      number,
      name,
      writer: await this.#options.store.create(name),
      hash: createHash('sha256'),
      size: 0,
    };
    // known before its first bytes: a store that refuses them leaves something to give up
    this.#pack = pack;
    await append(pack, encodeObjectHeader('pack'));
    return pack;
  }

  #close(): void {
    if (this.#pack === undefined) return;
    const closing = commit(this.#pack);
    // finish() reports the failure; until then it must not count as unhandled
    closing.catch(() => undefined);
    this.#closing.push(closing);
    this.#pack = undefined;
  }
}

async function append(pack: OpenPack, bytes: Buffer): Promise<void> {
  pack.hash.update(bytes);
  pack.size += bytes.length;
  await pack.writer.append(bytes);
}

async function commit(pack: OpenPack): Promise<StoredObject> {
  await pack.writer.commit();
  return { name: pack.name, size: pack.size, sha256: pack.hash.digest('hex') };
}
