import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeQuery, MESSAGE_TYPES, MessageReader } from '../../../src/postgres/replication/messages.ts';
import { chunkSizes, pushChunks } from '../../support/chunks.ts';
import { copyData, serverMessage } from '../../support/server-messages.ts';

interface ReadMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** All messages of a stream; CopyData put together again from its pieces. */
function readMessages(bytes: Uint8Array, sizes: readonly number[]): ReadMessage[] {
  const messages: ReadMessage[] = [];
  let copy: { length: number; pieces: Buffer[] } | undefined;
  const reader = new MessageReader({
    copyStart: (length) => (copy = { length, pieces: [] }),
    copyBytes: (buffer, start, end) => copy!.pieces.push(Buffer.from(buffer.subarray(start, end))),
    copyEnd: () => {
      const body = Buffer.concat(copy!.pieces);
      expect(body).toHaveLength(copy!.length);
      messages.push({ type: 'copyData', body });
      copy = undefined;
    },
    message: (type, body) => messages.push({ type, body }),
  });
  pushChunks(bytes, sizes, (buffer, start, end) => reader.push(buffer, start, end));
  return messages;
}

const types = Object.entries(MESSAGE_TYPES);
const message = fc.record({
  type: fc.constantFrom(...types),
  body: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 3000 })),
});

describe("the server's messages", () => {
  test('are the same however their bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), chunkSizes, (messages, sizes) => {
        const stream = messages.map(({ type: [, byte], body }) =>
          serverMessage(String.fromCharCode(byte), body),
        );
        expect(readMessages(Buffer.concat(stream), sizes)).toEqual(
          messages.map(({ type: [type], body }) => ({ type, body: Buffer.from(body) })),
        );
      }),
    );
  });

  test('are refused where their type or length is none of the protocol', () => {
    const lengths = [3, 0, -1, -(2 ** 31), 4 * 1024 * 1024 + 5];
    for (const length of lengths) {
      const header = Buffer.from('D\0\0\0\0');
      header.writeInt32BE(length, 1);
      expect(() => readMessages(header, [1])).toThrow('the server sent a message of type 0x44');
    }
    const known = types.map(([, byte]) => byte as number);
    for (let byte = 0; byte < 256; byte++) {
      if (known.includes(byte)) continue;
      const bytes = Buffer.from([byte, 0, 0, 0, 4]);
      expect(() => readMessages(bytes, [5])).toThrow(`of type 0x${byte.toString(16)} and length 0`);
    }
  });

  test('may be CopyData of two gigabytes, which is never collected', () => {
    const header = copyData('').fill(0, 1);
    header.writeInt32BE(2 ** 31 - 1, 1);
    let bytes = 0;
    let ended = false;
    const reader = new MessageReader({
      copyStart: (length) => expect(length).toBe(2 ** 31 - 5),
      copyBytes: (_buffer, start, end) => (bytes += end - start),
      copyEnd: () => (ended = true),
      message: () => undefined,
    });
    reader.push(header, 0, header.length);
    const piece = Buffer.alloc(64 * 1024 * 1024);
    for (let rest = 2 ** 31 - 5; rest > 0; rest -= piece.length) {
      expect(ended).toBe(false);
      reader.push(piece, 0, Math.min(piece.length, rest));
    }
    expect({ bytes, ended }).toEqual({ bytes: 2 ** 31 - 5, ended: true });
  });

  test('are handed out in bodies that may be kept', () => {
    const first = serverMessage('S', 'one');
    const reader: Buffer[] = [];
    const read = new MessageReader({
      copyStart: () => undefined,
      copyBytes: () => undefined,
      copyEnd: () => undefined,
      message: (_type, body) => reader.push(body),
    });
    read.push(first, 0, first.length);
    first.fill(0);
    expect(reader.map(String)).toEqual(['one']);
  });
});

test('a query is its letter, its length and its text with a zero behind it', () => {
  expect(encodeQuery('SHOW é')).toEqual(Buffer.from('Q\0\0\0\x0cSHOW é\0', 'utf8'));
});
