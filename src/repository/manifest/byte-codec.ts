import { LarderError } from '../../errors.ts';

/** Builds one record: integers as LEB128 varints (seven bits a byte, low ones first), byte strings with their length. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  #length = 0;

  /** A whole number from 0 to 2^53-1. */
  varint(value: number): this {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** A whole number of either sign: doubled, negative ones less one from their double's absolute value (zigzag). */
  signed(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  uint32(value: number): this {
    this.#reserve(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** What was written so far; the writer begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads what ByteWriter wrote. Throws OBJECT_DAMAGED where the bytes end too early or a number is too large. */
export class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw damaged();
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) throw damaged();
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  uint32(): number {
    if (this.#position + 4 > this.#bytes.length) throw damaged();
    const value = this.#bytes.readUInt32LE(this.#position);
    this.#position += 4;
    return value;
  }

  bytes(): Buffer {
    const length = this.varint();
    const end = this.#position + length;
    if (end > this.#bytes.length) throw damaged();
    const value = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return value;
  }

  /** Everything that is left. */
  rest(): Buffer {
    const value = this.#bytes.subarray(this.#position);
    this.#position = this.#bytes.length;
    return value;
  }

  /** Throws when bytes are left over. */
  end(): void {
    if (this.#position !== this.#bytes.length) throw damaged();
  }
}

function damaged(): LarderError {
  return new LarderError('OBJECT_DAMAGED', 'a record of the manifest cannot be read');
}
