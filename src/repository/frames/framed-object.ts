import { createHash } from 'node:crypto';
import { LarderError } from '../../errors.ts';
import type { ObjectStore, ObjectWriter } from '../../storage/object-store.ts';
import {
  checkObjectHeader,
  encodeObjectHeader,
  OBJECT_HEADER_LENGTH,
  type ObjectKind,
} from '../object-header.ts';
import {
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  FRAME_CONTENT_LIMIT,
  FRAME_HEADER_LENGTH,
} from './frame.ts';

/** A stored object as the commit record lists it. */
export interface StoredObject {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of all its bytes, hexadecimal. */
  readonly sha256: string;
}

/** Writes a stream of bytes as one object: header, then frames of up to 1 MiB each. */
export class FramedObjectWriter {
  readonly #name: string;
  readonly #level: number;
  readonly #writer: ObjectWriter;
  readonly #hash = createHash('sha256');
  readonly #content = Buffer.allocUnsafe(FRAME_CONTENT_LIMIT);
  #filled = 0;
  #size = 0;

  private constructor(name: string, level: number, writer: ObjectWriter) {
    this.#name = name;
    this.#level = level;
    this.#writer = writer;
  }

  static async open(
    store: ObjectStore,
    name: string,
    kind: ObjectKind,
    level: number,
  ): Promise<FramedObjectWriter> {
    const framed = new FramedObjectWriter(name, level, await store.create(name));
    try {
      await framed.#append(encodeObjectHeader(kind));
      return framed;
    } catch (error) {
      await framed.abort();
      throw error;
    }
  }

  /** Adds bytes, which the caller may change once the promise resolved. */
  async write(bytes: Uint8Array): Promise<void> {
    let position = 0;
    while (position < bytes.length) {
      const taken = Math.min(FRAME_CONTENT_LIMIT - this.#filled, bytes.length - position);
      this.#content.set(bytes.subarray(position, position + taken), this.#filled);
      this.#filled += taken;
      position += taken;
      if (this.#filled === FRAME_CONTENT_LIMIT) await this.#flush();
    }
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
    if (this.#filled === 0) return;
    const frame = encodeFrame(this.#content.subarray(0, this.#filled), this.#level);
    await this.#append(frame.header);
    await this.#append(frame.payload);
    this.#filled = 0;
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    await this.#writer.append(bytes);
  }
}

/**
 * The content of such an object, frame by frame, each checked before it is given out.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT
 */
export async function* readFramedObject(
  store: ObjectStore,
  name: string,
  kind: ObjectKind,
): AsyncGenerator<Buffer> {
  for await (const { bytes, where } of readFrames(store, name, kind)) yield decodeFrame(bytes, where);
}

/** A frame as it is stored: its header, and the payload behind it, which nobody has checked. */
export interface StoredFrame {
  readonly bytes: Buffer;
  /** For messages: the object and the place in it. */
  readonly where: string;
}

/**
 * The same without looking into the frames.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT
 */
export async function* readFrames(
  store: ObjectStore,
  name: string,
  kind: ObjectKind,
): AsyncGenerator<StoredFrame> {
  const info = await store.stat(name);
  if (info === undefined)
    throw new LarderError('OBJECT_MISSING', `${name} is missing from ${store.description}`);
  const header = Buffer.alloc(OBJECT_HEADER_LENGTH);
  await store.readInto(name, 0, header);
  checkObjectHeader(header, kind, name);
  for (let offset = OBJECT_HEADER_LENGTH; offset < info.size;) {
    const bytes = await readFrameAt(store, name, offset, info.size);
    const { length } = bytes;
    yield { bytes, where: `${name} at ${offset}` };
    // the receiver may have freed the frame by now
    offset += length;
  }
}

async function readFrameAt(store: ObjectStore, name: string, offset: number, size: number): Promise<Buffer> {
  const start = Buffer.alloc(Math.min(FRAME_HEADER_LENGTH, size - offset));
  await store.readInto(name, offset, start);
  const header = decodeFrameHeader(start);
  if (header === undefined || offset + FRAME_HEADER_LENGTH + header.storedLength > size) {
    throw new LarderError('OBJECT_DAMAGED', `${name} at ${offset}: no frame lies there`);
  }
  const frame = Buffer.allocUnsafe(FRAME_HEADER_LENGTH + header.storedLength);
  await store.readInto(name, offset, frame);
  return frame;
}
