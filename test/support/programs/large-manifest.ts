/**
 * Lays changes over the map of a cluster and writes and reads both manifests, in a process of its own whose memory can be
 * told: `node large-manifest.ts DIRECTORY files|blocks`. Prints the peak resident size in MiB, what the manifests hold, and
 * how large they are.
 */
import { readFileSync } from 'node:fs';
import { ExtentList, type Extent } from '../../../src/repository/manifest/extents.ts';
import { FrameAddresses } from '../../../src/repository/manifest/frame-addresses.ts';
import { readManifest, type Manifest } from '../../../src/repository/manifest/manifest-reader.ts';
import { writeManifest } from '../../../src/repository/manifest/manifest-writer.ts';
import { overlayExtents } from '../../../src/repository/manifest/overlay-extents.ts';
import type { FileEntry } from '../../../src/repository/manifest/records.ts';
import { openStore } from '../../../src/storage/open-store.ts';

const FULL = 'full_backup_truck_20261121_120000';
const NEXT = 'incremental_backup_truck_20261122_120000';
const MIB = 1024 * 1024;
const BLOCK = 8192;

const [directory = '', kind = 'files'] = process.argv.slice(2);
const store = openStore({ kind: 'filesystem', directory });
/** 100,000 files of 80 KiB, or one of 300 GB. */
const [count, size] = kind === 'files' ? [100_000, 10 * BLOCK] : [1, 300 * 1024 * MIB];
/** One block in so many changed: in every file its first, in the large one each hundredth, which none of them follows. */
const step = kind === 'files' ? 10 : 100;

function frameOf(number: number): Manifest['frames'][number] {
  return {
    pack: 1 + (number >> 8),
    offset: 16 + (number & 255) * 300_000,
    storedLength: 299_000,
    contentLength: MIB,
    checksum: number,
  };
}

function entry(index: number, extents: Iterable<Extent>): FileEntry {
  return {
    kind: 'file',
    path: `base/5/${String(16_384 + index)}`,
    size,
    mode: 0o600,
    modified: index,
    checksum: undefined,
    extents,
  };
}

/** In a scope of its own: whoever takes the next backup does not hold what the full one was written from. */
async function writeFull(): Promise<number> {
  const list = Array.from({ length: Math.ceil((count * size) / MIB) }, (_, number) => frameOf(number));
  const addresses = new FrameAddresses(list);
  function* entries(): Generator<FileEntry> {
    for (let i = 0; i < count; i++)
      yield entry(i, [{ fileOffset: 0, length: size, ...addresses.locate(i * size) }]);
  }
  const object = await writeManifest(store, `${FULL}/manifest`, { frames: list, entries: entries() });
  return object.size;
}

const full = await writeFull();
const parent = await readManifest(store, FULL);

const changedInEach = Math.ceil(size / BLOCK / step);
const ownFrames = Array.from({ length: Math.ceil((count * changedInEach * BLOCK) / MIB) }, (_, number) =>
  frameOf(number),
);
const frames = [...parent.frames, ...ownFrames];
const addresses = new FrameAddresses(frames);
const own = parent.frames.length * MIB;

function* changes(file: number): Generator<Extent> {
  for (let i = 0; i < changedInEach; i++)
    yield {
      fileOffset: i * step * BLOCK,
      length: BLOCK,
      ...addresses.locate(own + (file * changedInEach + i) * BLOCK),
    };
}

function* nextEntries(): Generator<FileEntry> {
  for (const [i, file] of parent.files.entries())
    yield entry(i, ExtentList.of(overlayExtents(file.extents, changes(i), { keep: size, addresses })));
}

const chain = [...parent.chain, { id: NEXT, frames: ownFrames.length }];
const next = await writeManifest(store, `${NEXT}/manifest`, { chain, frames, entries: nextEntries() });
const manifest = await readManifest(store, NEXT);
let extents = 0;
for (const file of manifest.files) for (const extent of file.extents) extents += extent.length > 0 ? 1 : 0;
// of this program: what getrusage tells begins with the size of whoever started it
const highWater = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
const peak = Math.round(Number(highWater) / 1024);
process.stdout.write(
  `${JSON.stringify({ peak, files: manifest.files.length, extents, full, next: next.size })}\n`,
);
