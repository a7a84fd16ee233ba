import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { crc32c } from '../../../src/crc32c.ts';
import {
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  FRAME_CONTENT_LIMIT,
  FRAME_HEADER_LENGTH,
  releaseFrame,
} from '../../../src/repository/frames/frame.ts';

const level = fc.constantFrom(0, 1, 3);
const content = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 3000 }),
    // shrinks well
    fc
      .tuple(fc.nat(255), fc.integer({ min: 1, max: 20_000 }))
      .map(([byte, length]) => Buffer.alloc(length, byte)),
    fc.string({ minLength: 1, maxLength: 500 }).map((text) => Buffer.from(text.repeat(20))),
  )
  .map((bytes) => Buffer.from(bytes));

function stored(bytes: Buffer, zstdLevel: number): Buffer {
  const { header, payload } = encodeFrame(bytes, zstdLevel);
  return Buffer.concat([header, payload]);
}

const damaged = expect.objectContaining({ code: 'OBJECT_DAMAGED' });

describe('a frame', () => {
  test('gives its content back', () => {
    fc.assert(
      fc.property(content, level, (bytes, zstdLevel) => {
        const frame = encodeFrame(bytes, zstdLevel);
        const whole = Buffer.concat([frame.header, frame.payload]);
        expect(decodeFrame(whole, 'here', frame).equals(bytes)).toBe(true);
        expect(frame.contentLength).toBe(bytes.length);
        expect(frame.storedLength).toBe(whole.length - FRAME_HEADER_LENGTH);
        expect(frame.storedLength).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  test('of a full mebibyte is small when it can be, and never larger than its content', () => {
    const zeros = Buffer.alloc(FRAME_CONTENT_LIMIT);
    expect(stored(zeros, 1).length).toBeLessThan(200);
    expect(decodeFrame(stored(zeros, 1), 'here').equals(zeros)).toBe(true);
    const random = randomBytes(FRAME_CONTENT_LIMIT);
    expect(stored(random, 1)).toHaveLength(FRAME_CONTENT_LIMIT + FRAME_HEADER_LENGTH);
    expect(decodeFrame(stored(random, 3), 'here').equals(random)).toBe(true);
    expect(stored(zeros, 0)).toHaveLength(FRAME_CONTENT_LIMIT + FRAME_HEADER_LENGTH);
  });

  test('is refused when any byte of it changed', () => {
    fc.assert(
      fc.property(
        content,
        level,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, zstdLevel, at, change) => {
          const whole = stored(bytes, zstdLevel);
          // every byte of the header, and one somewhere in the payload
          for (const position of [...Array(FRAME_HEADER_LENGTH).keys(), at % whole.length]) {
            whole[position] = whole[position]! ^ change;
            expect(() => decodeFrame(whole, 'here')).toThrow(damaged);
            whole[position] = whole[position] ^ change;
          }
          expect(decodeFrame(whole, 'here').equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is refused when it is cut short or goes on', () => {
    const whole = stored(Buffer.from('content '.repeat(100)), 1);
    for (let length = 0; length < whole.length; length++)
      expect(() => decodeFrame(whole.subarray(0, length), 'pack at 16')).toThrow(
        'pack at 16: no frame lies there',
      );
    expect(() => decodeFrame(Buffer.concat([whole, Buffer.of(0)]), 'here')).toThrow(damaged);
  });

  test('of another place is refused although it is sound', () => {
    const [one, other] = [encodeFrame(Buffer.from('one'), 1), encodeFrame(Buffer.from('two'), 1)];
    const whole = Buffer.concat([one.header, one.payload]);
    expect(() => decodeFrame(whole, 'here', other)).toThrow(
      'another frame lies there than the manifest says',
    );
  });

  test('whose compressed form holds less or more than it says is refused', () => {
    const text = Buffer.from('content '.repeat(100));
    const lie = (contentLength: number): Buffer => {
      const payload = zstdCompressSync(text);
      const header = Buffer.alloc(FRAME_HEADER_LENGTH);
      header.writeUInt32LE(payload.length, 0);
      header.writeUInt32LE(contentLength, 4);
      header.writeUInt32LE(crc32c(payload), 8);
      header.writeUInt8(1, 12);
      return Buffer.concat([header, payload]);
    };
    expect(decodeFrame(lie(800), 'here').equals(text)).toBe(true);
    expect(() => decodeFrame(lie(801), 'here')).toThrow('holds 800 bytes instead of 801');
    expect(() => decodeFrame(lie(799), 'here')).toThrow('does not decompress');
  });

  test('never claims more content than a mebibyte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const header = decodeFrameHeader(Buffer.from(bytes));
        if (header === undefined) return;
        expect(header.contentLength).toBeLessThanOrEqual(FRAME_CONTENT_LIMIT);
        expect(header.storedLength).toBeLessThanOrEqual(header.contentLength);
      }),
    );
  });
});

describe('a frame that was used', () => {
  test('gives its own memory back, and none that belongs to others', () => {
    const bytes = Buffer.alloc(FRAME_CONTENT_LIMIT, 'some text');
    const plain = encodeFrame(bytes, 0);
    releaseFrame(plain.payload, bytes);
    expect(bytes.toString('latin1', 0, 9)).toBe('some text');
    const whole = stored(bytes, 1);
    const decoded = decodeFrame(whole, 'here');
    releaseFrame(decoded, whole);
    expect(decoded).toHaveLength(0);
    expect(decodeFrame(whole, 'here').equals(bytes)).toBe(true);
  });
});
