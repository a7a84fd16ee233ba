import fc from 'fast-check';
import { pathFromBytes } from '../../src/postgres/path-bytes.ts';
import type { FrameReference } from '../../src/repository/frames/frame.ts';
import type { Extent } from '../../src/repository/manifest/extents.ts';
import type { DirectoryEntry, FileEntry } from '../../src/repository/manifest/records.ts';
import { pathBytes } from './arbitrary-paths.ts';

const path = pathBytes.map(pathFromBytes);
const uint32 = fc.nat(2 ** 32 - 1);

export const frameReference: fc.Arbitrary<FrameReference> = fc
  .record({
    pack: fc.integer({ min: 1, max: 100_000 }),
    offset: fc.nat(64 * 1024 * 1024),
    contentLength: fc.integer({ min: 1, max: 1024 * 1024 }),
    shrunk: fc.nat(1024 * 1024),
    checksum: uint32,
  })
  .map(({ shrunk, ...frame }) => ({ ...frame, storedLength: 1 + (shrunk % frame.contentLength) }));

export const directoryEntry: fc.Arbitrary<DirectoryEntry> = fc.record({
  kind: fc.constant('directory' as const),
  path,
  mode: fc.nat(0o7777),
});

/** Extents in file order with gaps between them, and the length of the file that holds them. */
function placed(
  parts: readonly { gap: number; length: number; frame: number; offset: number }[],
  frames: readonly FrameReference[],
): { extents: Extent[]; size: number } {
  let size = 0;
  const extents = parts.map(({ gap, length, frame, offset }) => {
    const number = frame % frames.length;
    const fileOffset = size + gap;
    size = fileOffset + length;
    return { fileOffset, length, frame: number, frameOffset: offset % frames[number]!.contentLength };
  });
  return { extents, size };
}

/** A file whose extents lie in these frames. */
export function fileEntry(frames: readonly FrameReference[]): fc.Arbitrary<FileEntry> {
  const part = fc.record({
    gap: fc.oneof(fc.constant(0), fc.nat(2 ** 40)),
    length: fc.integer({ min: 1, max: 2 ** 31 }),
    frame: fc.nat(),
    offset: fc.nat(),
  });
  return fc
    .record({
      path,
      mode: fc.nat(0o7777),
      modified: fc.nat(2 ** 33),
      checksum: fc.option(uint32, { nil: undefined }),
      hashes: fc.option(fc.record({ member: fc.constant(0), offset: fc.nat() }), { nil: undefined }),
      parts: fc.array(part, { maxLength: frames.length === 0 ? 0 : 6 }),
      behind: fc.nat(10_000),
    })
    .map(({ parts, behind, ...entry }) => {
      const { extents, size } = placed(parts, frames);
      return { kind: 'file', ...entry, size: size + behind, extents };
    });
}

/** What a manifest is written from. */
export const manifestContent = fc.array(frameReference, { maxLength: 10 }).chain((frames) =>
  fc.record({
    frames: fc.constant(frames),
    entries: fc.array(fc.oneof(directoryEntry, fileEntry(frames)), { maxLength: 12 }),
  }),
);
