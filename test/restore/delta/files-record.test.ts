import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeFilesRecord,
  encodeFilesRecord,
  type FilesRecord,
} from '../../../src/restore/delta/files-record.ts';
import { datesEveryChange, isSettled } from '../../../src/restore/delta/file-stamp.ts';

const number = fc.maxSafeNat();
const arbitraryRecord: fc.Arbitrary<FilesRecord> = fc.record({
  backup: fc.stringMatching(/^[a-z_0-9]{1,40}$/),
  manifestSha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  bootId: fc.uuid(),
  time: number,
  files: fc
    .array(fc.tuple(fc.nat(), number, fc.tuple(number, number, number, fc.maxSafeInteger(), number)), {
      maxLength: 20,
    })
    .map((files) => new Map(files.map(([i, proven, stamp]) => [i, { proven, stamp: stamp.join(' ') }]))),
});

test('a record comes back as it was; one of which any byte is another, or is missing, is none', () => {
  fc.assert(
    fc.property(arbitraryRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, change) => {
      const bytes = encodeFilesRecord(record);
      expect(decodeFilesRecord(bytes)).toEqual(record);
      expect(decodeFilesRecord(bytes.subarray(0, place % bytes.length))).toBeUndefined();
      const other = Buffer.from(bytes);
      other[place % bytes.length]! ^= change;
      expect(decodeFilesRecord(other)).toBeUndefined();
    }),
  );
  expect(decodeFilesRecord(Buffer.alloc(1000, 0x20))).toBeUndefined();
});

test('a file is settled once two ticks of the clock are over, and where times are finer than seconds', () => {
  const second = 1_000_000_000n;
  const ctimeNs = 5n * second + 7n;
  expect(isSettled({ ctimeNs }, ctimeNs + 20_000_000n)).toBe(true);
  expect(isSettled({ ctimeNs }, ctimeNs + 19_999_999n)).toBe(false);
  // of a time to come
  expect(isSettled({ ctimeNs }, ctimeNs - second)).toBe(false);
  expect(isSettled({ ctimeNs: 5n * second }, 9n * second)).toBe(false);
});

test('file systems that other machines write to are not believed', () => {
  const [ext4, nfs, fuse] = [0xef53, 0x6969, 0x65735546];
  expect([ext4, nfs, fuse].map(datesEveryChange)).toEqual([true, false, false]);
});
