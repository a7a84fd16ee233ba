import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pathFromBytes, pathToBytes } from '../../src/postgres/path-bytes.ts';
import { pathBytes } from '../support/arbitrary-paths.ts';

describe('a file name', () => {
  test('comes back as the bytes it was, whatever they are', () => {
    fc.assert(
      fc.property(fc.oneof(pathBytes, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        expect(pathToBytes(pathFromBytes(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 1000 },
    );
    for (let byte = 1; byte < 256; byte++)
      expect([...pathToBytes(pathFromBytes(Buffer.from([0x61, byte, 0x62])))]).toEqual([0x61, byte, 0x62]);
  });

  test('that is text is that text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => pathFromBytes(Buffer.from(text)) === text),
    );
    expect(pathFromBytes(Buffer.from('\u{feff}base/1'))).toBe('\u{feff}base/1');
  });

  test('that is not text looks like no name that is', () => {
    expect(pathFromBytes(Buffer.from([0x61, 0xff, 0x2f]))).toBe('a\udcff/');
    // what UTF-8 writes for a surrogate is no text either
    const surrogate = Buffer.from([0xed, 0xb3, 0xbf]);
    expect(pathToBytes(pathFromBytes(surrogate))).toEqual(surrogate);
    expect(pathFromBytes(surrogate)).not.toBe(pathFromBytes(Buffer.from([0xff])));
  });

  test('is split at the same places before and after', () => {
    fc.assert(
      fc.property(pathBytes, (bytes) => {
        const parts = pathFromBytes(bytes).split('/').map(pathToBytes);
        expect(
          Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('/'), part]))),
        ).toEqual(bytes);
      }),
    );
  });
});
