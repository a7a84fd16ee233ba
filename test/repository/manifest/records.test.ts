import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ExtentList } from '../../../src/repository/manifest/extents.ts';
import { decodeRecord, encodeRecord, type ManifestRecord } from '../../../src/repository/manifest/records.ts';
import { directoryEntry, fileEntry, frameReference } from '../../support/arbitrary-manifest.ts';

const frames = fc.array(frameReference, { maxLength: 20 });
const file = frames.chain(fileEntry);
const record: fc.Arbitrary<ManifestRecord> = fc.oneof(
  directoryEntry,
  file,
  fc.record({
    kind: fc.constant('chain' as const),
    members: fc.array(fc.record({ id: fc.string(), frames: fc.nat() }), { maxLength: 20 }),
  }),
  file.map(({ extents }) => ({ kind: 'extents' as const, extents: ExtentList.of(extents) })),
  frames.map((list) => ({ kind: 'frames' as const, frames: list })),
  fc.record({
    kind: fc.constant('end' as const),
    files: fc.nat(),
    directories: fc.nat(),
    frames: fc.nat(),
    bytes: fc.maxSafeNat(),
  }),
);

/** Extents as values: the reader keeps them as the bytes they are stored as. */
function plain(value: ManifestRecord): object {
  return 'extents' in value ? { ...value, extents: [...value.extents] } : value;
}

describe('a record of a manifest', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(record, (written) =>
        expect(plain(decodeRecord(encodeRecord(written)))).toEqual(plain(written)),
      ),
    );
  });

  test('is refused when it is cut short, goes on, or is of a type that is not known', () => {
    fc.assert(
      fc.property(record, fc.nat(), (written, at) => {
        const bytes = encodeRecord(written);
        expect(() => decodeRecord(bytes.subarray(0, at % bytes.length))).toThrow('cannot be read');
        expect(() => decodeRecord(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('cannot be read');
      }),
    );
    expect(() => decodeRecord(Buffer.of(7))).toThrow('a record of unknown type 7');
  });

  test('is a record or a refusal, whatever its bytes are', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.nat(255), (written, at, byte) => {
        const bytes = encodeRecord(written);
        bytes[at % bytes.length] = byte;
        try {
          decodeRecord(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'OBJECT_DAMAGED' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('that claims more entries than it has bytes ends at its last byte', () => {
    expect(() => decodeRecord(Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]))).toThrow(
      'cannot be read',
    );
    expect(() => decodeRecord(Buffer.from([4, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]))).toThrow(
      'too many extents',
    );
  });
});
