import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Extent } from '../../../src/repository/manifest/extents.ts';
import { FrameAddresses } from '../../../src/repository/manifest/frame-addresses.ts';
import { overlayExtents } from '../../../src/repository/manifest/overlay-extents.ts';

const SIZE = 200;

/** For each byte of a file the address it is read from, or `undefined` for zero: the meaning of extents, told plainly. */
function bytesOf(extents: Iterable<Extent>, addresses: FrameAddresses): (number | undefined)[] {
  const bytes = new Array<number | undefined>(SIZE).fill(undefined);
  for (const extent of extents)
    for (let i = 0; i < extent.length; i++) bytes[extent.fileOffset + i] = addresses.of(extent) + i;
  return bytes;
}

const frames = fc.array(fc.record({ contentLength: fc.integer({ min: 1, max: 60 }) }), {
  minLength: 20,
  maxLength: 30,
});

/** Ascending stretches of a file, anywhere in the frames. */
function stretches(addresses: FrameAddresses, total: number): fc.Arbitrary<Extent[]> {
  const part = fc.record({ gap: fc.nat(20), length: fc.integer({ min: 1, max: 40 }), address: fc.nat() });
  return fc.array(part, { maxLength: 8 }).map((parts) => {
    const extents: Extent[] = [];
    let end = 0;
    for (const { gap, length, address } of parts) {
      const fileOffset = end + gap;
      if (fileOffset + length > SIZE || length >= total) break;
      extents.push({ fileOffset, length, ...addresses.locate(address % (total - length)) });
      end = fileOffset + length;
    }
    return extents;
  });
}

const overlay = frames.chain((list) => {
  const addresses = new FrameAddresses(list);
  const total = list.reduce((sum, { contentLength }) => sum + contentLength, 0);
  return fc.record({
    addresses: fc.constant(addresses),
    base: stretches(addresses, total),
    changes: stretches(addresses, total),
    keep: fc.nat(SIZE),
  });
});

describe('extents laid over others', () => {
  test('give every byte as the newer of the two has it, ascending and apart', () => {
    fc.assert(
      fc.property(overlay, ({ addresses, base, changes, keep }) => {
        const result = [...overlayExtents(base, changes, { keep, addresses })];
        const before = bytesOf(base, addresses).map((byte, place) => (place < keep ? byte : undefined));
        const newer = bytesOf(changes, addresses);
        const expected = before.map((byte, place) => newer[place] ?? byte);
        expect(bytesOf(result, addresses)).toEqual(expected);
        result.forEach(({ fileOffset, length }, i) => {
          expect(length).toBeGreaterThan(0);
          const last = result[i - 1];
          if (last !== undefined) expect(fileOffset).toBeGreaterThanOrEqual(last.fileOffset + last.length);
        });
      }),
      { numRuns: 2000 },
    );
  });

  test('are joined where their bytes follow each other in the frames too', () => {
    fc.assert(
      fc.property(overlay, ({ addresses, base }) => {
        const halves = base.flatMap((extent) => {
          const half = extent.length >> 1;
          if (half === 0) return [extent];
          const behind = addresses.locate(addresses.of(extent) + half);
          return [
            { ...extent, length: half },
            { fileOffset: extent.fileOffset + half, length: extent.length - half, ...behind },
          ];
        });
        const joined = [...overlayExtents(halves, [], { keep: SIZE, addresses })];
        expect(joined.length).toBeLessThanOrEqual(base.length);
        expect(bytesOf(joined, addresses)).toEqual(bytesOf(base, addresses));
      }),
    );
  });
});
