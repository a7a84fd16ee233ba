import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FrameReference } from '../../../src/repository/frames/frame.ts';
import { FramedObjectWriter } from '../../../src/repository/frames/framed-object.ts';
import { manifestName } from '../../../src/repository/layout.ts';
import { ByteWriter } from '../../../src/repository/manifest/byte-codec.ts';
import { ExtentList, type Extent } from '../../../src/repository/manifest/extents.ts';
import {
  readManifest,
  takeRecords,
  type Manifest,
} from '../../../src/repository/manifest/manifest-reader.ts';
import { writeManifest } from '../../../src/repository/manifest/manifest-writer.ts';
import {
  encodeRecord,
  type DirectoryEntry,
  type FileEntry,
  type ManifestRecord,
} from '../../../src/repository/manifest/records.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import { manifestContent } from '../../support/arbitrary-manifest.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const ID = 'incremental_backup_truck_20261122_120000';
const FULL = 'full_backup_truck_20261121_120000';
const NAME = manifestName(ID);
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

async function roundTrip(
  frames: readonly FrameReference[],
  entries: Iterable<FileEntry | DirectoryEntry>,
): Promise<Manifest> {
  const store = openMemoryStore(new FakeClock());
  await writeManifest(store, NAME, { frames, entries });
  return readManifest(store, ID);
}

/** A manifest of records that no writer of ours would put together. */
async function readRecords(records: readonly ManifestRecord[]): Promise<Manifest> {
  const store = openMemoryStore(new FakeClock());
  const object = await FramedObjectWriter.open(store, NAME, 'manifest', 1);
  for (const record of records) {
    const bytes = encodeRecord(record);
    await object.write(new ByteWriter().varint(bytes.length).take());
    await object.write(bytes);
  }
  await object.commit();
  return readManifest(store, ID);
}

const frame: FrameReference = { pack: 1, offset: 16, storedLength: 10, contentLength: 100, checksum: 7 };
const frames: ManifestRecord = { kind: 'frames', frames: [frame] };

function file(more: Partial<FileEntry> = {}): FileEntry {
  const extents = [{ fileOffset: 0, length: 100, frame: 0, frameOffset: 0 }];
  return { kind: 'file', path: 'a', size: 100, mode: 0o600, modified: 1, checksum: 9, extents, ...more };
}

/** Compares as values: the reader keeps extents as the bytes they are stored as. */
function withList({ extents, hashes, ...entry }: FileEntry) {
  return { ...entry, ...(hashes === undefined ? {} : { hashes }), extents: [...extents] };
}

function end(more: Partial<ManifestRecord & { kind: 'end' }> = {}): ManifestRecord {
  return { kind: 'end', files: 1, directories: 0, frames: 1, bytes: 100, ...more };
}

describe('a manifest', () => {
  test('is read back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(manifestContent, async (content) => {
        const manifest = await roundTrip(content.frames, content.entries);
        const files = content.entries.filter((entry) => entry.kind === 'file');
        expect({ ...manifest, files: manifest.files.map(withList) }).toEqual({
          chain: [{ id: ID, frames: content.frames.length }],
          frames: content.frames,
          files: files.map(withList),
          directories: content.entries.filter((entry) => entry.kind === 'directory'),
          bytes: files.reduce((sum, { size }) => sum + size, 0),
        });
      }),
      { numRuns: 100 },
    );
  });

  test('of 100,000 files is read back in its order', async () => {
    const count = 100_000;
    function* entries(): Generator<FileEntry> {
      for (let i = 0; i < count; i++) {
        const extents = [{ fileOffset: 0, length: 8192, frame: i >> 7, frameOffset: (i & 127) * 8192 }];
        yield file({ path: `base/5/${String(i)}`, size: 8192, checksum: i, extents });
      }
    }
    const list = Array.from({ length: (count >> 7) + 1 }, () => ({ ...frame, contentLength: MIB }));
    const manifest = await roundTrip(list, entries());
    expect(manifest.files).toHaveLength(count);
    expect(manifest.bytes).toBe(count * 8192);
    for (const i of [0, 1, 4095, 4096, count - 1])
      expect(manifest.files[i]).toMatchObject({ path: `base/5/${String(i)}`, checksum: i });
  });

  test('may name the blocks of a file of 300 GB that changed here and there', async () => {
    const count = 200_000;
    const extents: Extent[] = [];
    let fileOffset = 0;
    for (let i = 0; i < count; i++) {
      // some 1.5 MiB apart
      fileOffset += (1 + ((i * 7919) % 366)) * 8192;
      extents.push({ fileOffset, length: 8192, frame: i >> 7, frameOffset: (i & 127) * 8192 });
    }
    const size = 300 * GIB;
    expect(fileOffset).toBeLessThan(size);
    const list = Array.from({ length: (count >> 7) + 1 }, () => ({ ...frame, contentLength: MIB }));
    const manifest = await roundTrip(list, [
      file({ size, extents }),
      file({ path: 'b', size: 0, extents: [] }),
    ]);
    expect(manifest.files.map(({ path }) => path)).toEqual(['a', 'b']);
    const read = [...manifest.files[0]!.extents];
    expect(read).toHaveLength(count);
    for (const i of [0, 4095, 4096, 4097, count - 1]) expect(read[i]).toEqual(extents[i]);
  });

  test('is refused wherever it was cut short between its frames', async () => {
    await expect(readRecords([])).rejects.toThrow('it has no end');
    await expect(readRecords([frames, file()])).rejects.toThrow('it has no end');
    await expect(readRecords([frames, file(), end(), file()])).rejects.toThrow('it goes on after its end');
  });

  test('is refused when its totals do not agree with its entries', async () => {
    await expect(readRecords([frames, file(), end()])).resolves.toMatchObject({ bytes: 100 });
    for (const wrong of [{ files: 2 }, { directories: 1 }, { frames: 0 }, { bytes: 99 }])
      await expect(readRecords([frames, file(), end(wrong)])).rejects.toThrow('its totals do not agree');
  });

  test('is refused when an extent lies outside its file or its frames', async () => {
    const outside: Partial<Extent>[] = [
      { frame: 1 },
      { frameOffset: 100 },
      { fileOffset: 1 },
      { length: 101 },
    ];
    for (const wrong of outside) {
      const extents = [{ ...[...file().extents][0]!, ...wrong }];
      const refused = 'an extent lies outside its file or its frame';
      await expect(readRecords([frames, file({ extents }), end()])).rejects.toThrow(refused);
      const more: ManifestRecord = { kind: 'extents', extents: ExtentList.of(extents) };
      await expect(readRecords([frames, file({ extents: [] }), more, end()])).rejects.toThrow(refused);
    }
    const homeless: ManifestRecord = { kind: 'extents', extents: ExtentList.of(file().extents) };
    await expect(readRecords([frames, homeless, end()])).rejects.toThrow('extents without a file');
  });

  test('of an incremental backup names the backups that its frames lie in', async () => {
    const store = openMemoryStore(new FakeClock());
    const chain = [
      { id: FULL, frames: 2 },
      { id: ID, frames: 1 },
    ];
    const list = [frame, { ...frame, offset: 50 }, frame];
    await writeManifest(store, NAME, { chain, frames: list, entries: [file()] });
    expect(await readManifest(store, ID)).toMatchObject({ chain, frames: list });
  });

  test('is refused when its chain is not one that ends with it, or counts other frames', async () => {
    const own = { id: ID, frames: 1 };
    const chains = [[own, { id: FULL, frames: 0 }], [own, own], [{ id: '../x', frames: 0 }, own], []];
    for (const members of chains) {
      const records: ManifestRecord[] = [{ kind: 'chain', members }, frames, file(), end()];
      await expect(readRecords(records)).rejects.toThrow('its chain is not one');
    }
    const more: ManifestRecord = { kind: 'chain', members: [{ id: FULL, frames: 1 }, own] };
    await expect(readRecords([more, frames, file(), end()])).rejects.toThrow('its chain counts other frames');
    const elsewhere = file({ hashes: { member: 1, offset: 0 } });
    await expect(readRecords([frames, elsewhere, end()])).rejects.toThrow('outside its chain');
  });

  test('is refused when it names a path that leads elsewhere', async () => {
    for (const path of ['../a', '/a', 'a/../../b', '']) {
      const entries: ManifestRecord[] = [file({ path }), { kind: 'directory', path, mode: 0o700 }];
      for (const entry of entries)
        await expect(readRecords([frames, entry, end()])).rejects.toThrow('leads elsewhere');
    }
  });

  test('that could not be written leaves nothing', async () => {
    const store = openMemoryStore(new FakeClock());
    function* failing(): Generator<FileEntry> {
      yield file();
      throw new Error('no more');
    }
    await expect(writeManifest(store, NAME, { frames: [frame], entries: failing() })).rejects.toThrow(
      'no more',
    );
    expect(await store.sweepUnfinished()).toBe(0);
    expect(await store.stat(NAME)).toBeUndefined();
  });
});

/** Extents as values. */
function plain(record: ManifestRecord): object {
  return 'extents' in record ? { ...record, extents: [...record.extents] } : record;
}

test('records are taken as they become whole, however their bytes are cut', () => {
  const written: ManifestRecord[] = [frames, file(), file({ path: 'n'.repeat(200) }), end({ files: 2 })];
  const bytes = Buffer.concat(
    written.flatMap((record) => {
      const encoded = encodeRecord(record);
      return [new ByteWriter().varint(encoded.length).take(), encoded];
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const read: ManifestRecord[] = [];
      let rest: Buffer = Buffer.alloc(0);
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      ends.forEach((to, i) => {
        const piece = bytes.subarray(ends[i - 1] ?? 0, to);
        rest = takeRecords(Buffer.concat([rest, piece]), (record) => read.push(record));
      });
      expect(read.map(plain)).toEqual(written.map(plain));
      expect(rest).toHaveLength(0);
    }),
  );
});
