import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FrameReference } from '../../src/repository/frames/frame.ts';
import { packName } from '../../src/repository/layout.ts';
import type { Manifest } from '../../src/repository/manifest/manifest-reader.ts';
import type { Extent } from '../../src/repository/manifest/extents.ts';
import type { FileEntry } from '../../src/repository/manifest/records.ts';
import { frameWork } from '../../src/restore/pieces.ts';

function file(path: string, size: number, extents: readonly Extent[]): FileEntry {
  return { kind: 'file', path, size, mode: 0o600, modified: 0, checksum: 0, extents };
}

function frame(pack: number, offset: number, contentLength: number): FrameReference {
  return { pack, offset, storedLength: contentLength, contentLength, checksum: 0 };
}

function manifestOf(frames: readonly FrameReference[], files: readonly FileEntry[]): Manifest {
  const chain = [{ id: 'full_backup_truck_20261122_120000', frames: frames.length }];
  return { chain, frames, files, directories: [], bytes: 0 };
}

/** Files in a row through frames of these lengths, the frames anywhere in the packs. */
const packed = fc
  .record({
    lengths: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
    sizes: fc.array(fc.nat(120), { maxLength: 20 }),
    packs: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 20, maxLength: 20 }),
    keep: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
  })
  .map(({ lengths, sizes, packs, keep }) => {
    const frames = lengths.map((length, i) => frame(packs[i]!, 1000 - i * 3, length));
    const total = lengths.reduce((a, b) => a + b, 0);
    const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
    const files: FileEntry[] = [];
    let position = 0;
    for (const size of sizes) {
      if (position + size > total) break;
      const number = starts.findLastIndex((start) => start <= position);
      const extent = { fileOffset: 0, length: size, frame: number, frameOffset: position - starts[number]! };
      files.push(file(String(files.length), size, size === 0 ? [] : [extent]));
      position += size;
    }
    const wanted = new Set(files.filter((_, i) => keep[i]).map(({ path }) => path));
    return { manifest: manifestOf(frames, files), starts, wanted };
  });

describe('the work of a restore', () => {
  test('takes every byte of the wanted files from where it lies, each frame once, in pack order', () => {
    fc.assert(
      fc.property(packed, ({ manifest, starts, wanted }) => {
        const work = frameWork(manifest, ({ path }) => wanted.has(path));
        const places = work.map(({ frame: { pack, offset } }) => pack * 10_000 + offset);
        expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
        const covered = new Map<number, number>();
        for (const { frame: reference, pieces } of work) {
          expect(pieces.length).toBeGreaterThan(0);
          const number = manifest.frames.indexOf(reference);
          for (const piece of pieces) {
            const { fileOffset, frameOffset, length } = piece;
            const extents = [...manifest.files[piece.file]!.extents];
            expect(starts[number]! + frameOffset - fileOffset).toBe(
              starts[extents[0]!.frame]! + extents[0]!.frameOffset,
            );
            expect(frameOffset + length).toBeLessThanOrEqual(reference.contentLength);
            covered.set(piece.file, (covered.get(piece.file) ?? 0) + length);
          }
        }
        const expected = manifest.files.flatMap(({ path, size }, i) =>
          wanted.has(path) && size > 0 ? [[i, size] as const] : [],
        );
        expect([...covered].toSorted(([a], [b]) => a - b)).toEqual(expected);
      }),
    );
  });

  test('takes the blocks of an incremental file from the packs of the backups that have them', () => {
    const full = 'full_backup_truck_20261121_120000';
    const own = 'incremental_backup_truck_20261122_120000';
    const frames = [frame(2, 16, 100), frame(1, 16, 100), frame(1, 16, 100)];
    const extents = [
      { fileOffset: 0, length: 10, frame: 1, frameOffset: 50 },
      { fileOffset: 10, length: 20, frame: 0, frameOffset: 90 },
      { fileOffset: 40, length: 5, frame: 2, frameOffset: 0 },
    ];
    const chain = [
      { id: full, frames: 2 },
      { id: own, frames: 1 },
    ];
    const manifest = { ...manifestOf(frames, [file('a', 50, extents)]), chain };
    expect(frameWork(manifest, () => true)).toEqual([
      {
        frame: frames[1],
        pack: packName(full, 1),
        pieces: [
          { file: 0, fileOffset: 0, frameOffset: 50, length: 10 },
          { file: 0, fileOffset: 20, frameOffset: 0, length: 10 },
        ],
      },
      {
        frame: frames[0],
        pack: packName(full, 2),
        pieces: [{ file: 0, fileOffset: 10, frameOffset: 90, length: 10 }],
      },
      {
        frame: frames[2],
        pack: packName(own, 1),
        pieces: [{ file: 0, fileOffset: 40, frameOffset: 0, length: 5 }],
      },
    ]);
  });

  test('is refused where the frames do not cover a file', () => {
    const extent = { fileOffset: 0, length: 101, frame: 0, frameOffset: 0 };
    const manifest = manifestOf([frame(1, 16, 100)], [file('base/1', 101, [extent])]);
    expect(() => frameWork(manifest, () => true)).toThrow('names no frame for a part of base/1');
    expect(frameWork(manifest, () => false)).toEqual([]);
  });
});
