import { describe, expect, test } from '@jest/globals';
import {
  checkObjectHeader,
  encodeObjectHeader,
  FORMAT_VERSION,
  OBJECT_HEADER_LENGTH,
  OBJECT_KINDS,
  type ObjectKind,
} from '../../src/repository/object-header.ts';

const kinds = Object.keys(OBJECT_KINDS) as ObjectKind[];

describe('the header of an object', () => {
  test.each(kinds)('tells that it is a %s, and nothing else', (kind) => {
    const header = encodeObjectHeader(kind);
    expect(header).toHaveLength(OBJECT_HEADER_LENGTH);
    expect(header.toString('latin1', 0, 6)).toBe('LARDER');
    for (const other of kinds) {
      const check = (): void => checkObjectHeader(header, other, 'x/y');
      if (other === kind) expect(check).not.toThrow();
      else expect(check).toThrow(`x/y is not a ${other}`);
    }
  });

  test('is refused when any byte of it changed, or it is not all there', () => {
    for (let position = 0; position < OBJECT_HEADER_LENGTH; position++) {
      for (let bit = 0; bit < 8; bit++) {
        const header = encodeObjectHeader('pack');
        header[position] = header[position]! ^ (1 << bit);
        expect(() => checkObjectHeader(header, 'pack', 'x/y')).toThrow(/^x\/y /);
      }
      const short = encodeObjectHeader('pack').subarray(0, position);
      expect(() => checkObjectHeader(short, 'pack', 'x/y')).toThrow('does not begin like an object');
    }
  });

  test('of a later format is told from damage', () => {
    const header = encodeObjectHeader('pack');
    header.writeUInt8(FORMAT_VERSION + 1, 6);
    const newer = expect.objectContaining({ code: 'REPOSITORY_NEWER_FORMAT' });
    expect(() => checkObjectHeader(header, 'pack', 'x/y')).toThrow(newer);
    const encrypted = encodeObjectHeader('pack');
    encrypted.writeUInt8(1, 8);
    expect(() => checkObjectHeader(encrypted, 'pack', 'x/y')).toThrow(newer);
  });
});
