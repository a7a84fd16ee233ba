import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../../../src/repository/manifest/byte-codec.ts';

type Field =
  | { readonly kind: 'varint' | 'signed' | 'uint32'; readonly value: number }
  | { readonly kind: 'bytes'; readonly value: Uint8Array };

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant('varint' as const), value: fc.oneof(fc.nat(300), fc.maxSafeNat()) }),
  fc.record({
    kind: fc.constant('signed' as const),
    value: fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
  }),
  fc.record({ kind: fc.constant('uint32' as const), value: fc.nat(2 ** 32 - 1) }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 600 }) }),
);

function write(fields: readonly Field[]): Buffer {
  const writer = new ByteWriter();
  for (const entry of fields) {
    if (entry.kind === 'bytes') writer.bytes(entry.value);
    else writer[entry.kind](entry.value);
  }
  return writer.take();
}

function read(bytes: Buffer, kinds: readonly string[]): unknown[] {
  const reader = new ByteReader(bytes);
  const values = kinds.map((kind) => {
    const value = reader[kind as 'varint' | 'signed' | 'uint32' | 'bytes']();
    return typeof value === 'number' ? value : new Uint8Array(value);
  });
  reader.end();
  return values;
}

const damaged = expect.objectContaining({ code: 'OBJECT_DAMAGED' });

describe('the fields of a record', () => {
  test('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
        const kinds = fields.map(({ kind }) => kind);
        expect(read(write(fields), kinds)).toEqual(fields.map(({ value }) => value));
      }),
    );
  });

  test('are refused when any of their bytes are missing, or some are left over', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 8 }), fc.nat(), (fields, at) => {
        const bytes = write(fields);
        const kinds = fields.map(({ kind }) => kind);
        expect(() => read(bytes.subarray(0, at % bytes.length), kinds)).toThrow(damaged);
        expect(() => read(Buffer.concat([bytes, Buffer.of(0)]), kinds)).toThrow(damaged);
      }),
    );
  });

  test('are never anything but whole numbers below 2^53, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30, min: 0x70 }), (bytes) => {
        try {
          expect(Number.isSafeInteger(new ByteReader(Buffer.from(bytes)).varint())).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'OBJECT_DAMAGED' });
        }
      }),
    );
    expect(() => new ByteReader(Buffer.alloc(1000, 0x80)).varint()).toThrow(damaged);
    expect(() => new ByteReader(Buffer.alloc(1000, 0xff)).varint()).toThrow(damaged);
  });

  test('are written anew after they were taken', () => {
    const writer = new ByteWriter();
    const first = writer.varint(1).take();
    writer.varint(2);
    expect([...first, ...writer.take()]).toEqual([1, 2]);
  });
});
