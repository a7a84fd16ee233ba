import { LarderError } from '../../errors.ts';

/**
 * The server's side of the frontend/backend protocol, as bytes in and messages out; knows no socket and no clock.
 *
 * Each message: one type byte, then a big-endian int32 that counts itself and the body (protocol.sgml, "Message
 * Formats"). CopyData can be the whole of a cluster, so its bytes are passed on where they lie, in as many pieces as they
 * arrived in; every other message is small and is collected first.
 */
export interface MessageSink {
  /** A CopyData message of `length` bytes begins. */
  copyStart(length: number): void;
  /** Some of its bytes. They are only valid during the call: the buffer is used again for the next read. */
  copyBytes(buffer: Buffer, start: number, end: number): void;
  copyEnd(): void;
  /** Any other message; the body is the sink's to keep. */
  message(type: MessageType, body: Buffer): void;
}

/** Backend message types, by the letter in the protocol's own tables. Any byte not named here is a violation. */
export const MESSAGE_TYPES = {
  copyData: 0x64, // d
  copyDone: 0x63, // c
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQuery: 0x49, // I
  error: 0x45, // E
  notice: 0x4e, // N
  notification: 0x41, // A
  parameterStatus: 0x53, // S
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const;

export type MessageType = keyof typeof MESSAGE_TYPES;

const TYPE_OF_BYTE = new Map<number, MessageType>(
  Object.entries(MESSAGE_TYPES).map(([name, byte]) => [byte, name as MessageType]),
);
const HEADER_LENGTH = 5;
/** No message but CopyData comes near this; a larger length means that we lost our place in the stream. */
const LARGEST_SMALL_MESSAGE = 4 * 1024 * 1024;

/** Cuts a byte stream into messages. */
export class MessageReader {
  readonly #sink: MessageSink;
  readonly #header = Buffer.alloc(HEADER_LENGTH);
  #headerFilled = 0;
  #type: MessageType | undefined;
  #remaining = 0;
  #body: Buffer | undefined;

  constructor(sink: MessageSink) {
    this.#sink = sink;
  }

  /**
   * Takes the bytes [start, end) of a buffer that the caller may use again afterwards.
   * @throws LarderError PROTOCOL_VIOLATION for a type or length no server sends.
   */
  push(buffer: Buffer, start: number, end: number): void {
    let position = start;
    while (position < end) {
      position =
        this.#type === undefined
          ? this.#readHeader(buffer, position, end)
          : this.#readBody(buffer, position, end);
    }
  }

  #readHeader(buffer: Buffer, start: number, end: number): number {
    const taken = Math.min(HEADER_LENGTH - this.#headerFilled, end - start);
    buffer.copy(this.#header, this.#headerFilled, start, start + taken);
    this.#headerFilled += taken;
    if (this.#headerFilled === HEADER_LENGTH) this.#begin();
    return start + taken;
  }

  #begin(): void {
    const byte = this.#header.readUInt8(0);
    const length = this.#header.readInt32BE(1) - 4;
    const type = TYPE_OF_BYTE.get(byte);
    if (type === undefined || length < 0 || (type !== 'copyData' && length > LARGEST_SMALL_MESSAGE)) {
      throw new LarderError(
        'PROTOCOL_VIOLATION',
        `the server sent a message of type 0x${byte.toString(16)} and length ${length} that this version does not know`,
      );
    }
    this.#headerFilled = 0;
    this.#remaining = length;
    this.#type = type;
    if (type === 'copyData') this.#sink.copyStart(length);
    else this.#body = Buffer.allocUnsafe(length);
    if (length === 0) this.#finish();
  }

  #readBody(buffer: Buffer, start: number, end: number): number {
    const taken = Math.min(this.#remaining, end - start);
    if (this.#body === undefined) this.#sink.copyBytes(buffer, start, start + taken);
    else buffer.copy(this.#body, this.#body.length - this.#remaining, start, start + taken);
    this.#remaining -= taken;
    if (this.#remaining === 0) this.#finish();
    return start + taken;
  }

  #finish(): void {
    const type = this.#type;
    const body = this.#body;
    this.#type = undefined;
    this.#body = undefined;
    if (type === undefined) return;
    if (body === undefined) this.#sink.copyEnd();
    else this.#sink.message(type, body);
  }
}

/** A simple Query message: `Q`, length, the text, a zero byte. */
export function encodeQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`, 'utf8');
  const message = Buffer.allocUnsafe(HEADER_LENGTH + body.length);
  message.writeUInt8(0x51, 0);
  message.writeInt32BE(body.length + 4, 1);
  body.copy(message, HEADER_LENGTH);
  return message;
}

/** CopyData from us: `d`, length, the bytes. */
export function encodeCopyData(bytes: Buffer): Buffer {
  const message = Buffer.allocUnsafe(HEADER_LENGTH + bytes.length);
  message.writeUInt8(0x64, 0);
  message.writeInt32BE(bytes.length + 4, 1);
  bytes.copy(message, HEADER_LENGTH);
  return message;
}

/** CopyFail: `f`, length, the reason, a zero byte. The server answers with an error that repeats it. */
export function encodeCopyFail(reason: string): Buffer {
  const message = encodeQuery(reason);
  message.writeUInt8(0x66, 0);
  return message;
}
