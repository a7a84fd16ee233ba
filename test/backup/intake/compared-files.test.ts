import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { ComparedFilesIntake } from '../../../src/backup/intake/compared-files.ts';
import type { ParentBackup } from '../../../src/backup/intake/parent-backup.ts';
import { crc32c } from '../../../src/crc32c.ts';
import { FrameWriter } from '../../../src/repository/frames/frame-writer.ts';
import { blockHashesName } from '../../../src/repository/layout.ts';
import { FrameAddresses } from '../../../src/repository/manifest/frame-addresses.ts';
import type { Manifest } from '../../../src/repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../../../src/repository/manifest/records.ts';
import { readBackupFile } from '../../../src/restore/read-file.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { commitRecord } from '../../support/commit-records.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';

const UNIT = 8192;
type Contents = Record<string, Buffer>;

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(async () => directory[Symbol.asyncDispose]());

/** Takes files in as a backup would; `parent` is what an earlier call gave. */
async function takeIn(started: string, contents: Contents, parent?: ParentBackup): Promise<ParentBackup> {
  const record = commitRecord(started);
  const location = { kind: 'filesystem', directory: directory.path } as const;
  const store = openStore(location);
  const frames = new FrameWriter({ location, level: 1, workers: 1 });
  frames.begin(record.id);
  const intake = await ComparedFilesIntake.open({
    id: record.id,
    store,
    location,
    workers: 2,
    frames,
    parent,
  });
  const incoming = [];
  for (const [path, bytes] of Object.entries(contents)) {
    const file = intake.open({ path, size: bytes.length, mode: 0o600, modified: 1 });
    // reads of a socket cut files anywhere
    for (let start = 0; start < bytes.length; start += 100_003) {
      file.write(bytes, start, Math.min(start + 100_003, bytes.length));
      if (!intake.hasRoom) await intake.room();
    }
    file.end();
    incoming.push(file);
  }
  const { chain, frames: list, objects } = await intake.finish();
  const addresses = new FrameAddresses(list);
  const files = incoming.map((file) => file.entry(addresses));
  const manifest: Manifest = { chain, frames: list, files, directories: [], bytes: 0 };
  return { record: { ...record, objects }, manifest, files: new Map(files.map((file) => [file.path, file])) };
}

async function contentOf({ manifest }: ParentBackup): Promise<Contents> {
  const store = openStore({ kind: 'filesystem', directory: directory.path });
  const contents: Contents = {};
  for (const { path } of manifest.files)
    contents[path] = (await readBackupFile(store, manifest, path)) ?? Buffer.alloc(0);
  return contents;
}

/** Sizes and checksums instead of megabytes, which would take long to compare. */
function sums(contents: Contents): Record<string, string> {
  const entries = Object.entries(contents).map(([path, bytes]) => [
    path,
    `${String(bytes.length)} ${String(crc32c(bytes))}`,
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

function ownBytes({ manifest }: ParentBackup): number {
  const own = manifest.frames.slice(manifest.frames.length - (manifest.chain.at(-1)?.frames ?? 0));
  return own.reduce((sum, { contentLength }) => sum + contentLength, 0);
}

/** Units of few kinds, so that versions of a file often agree in some, and an end that is no whole unit. */
const file = fc
  .tuple(
    fc.array(fc.nat(3), { maxLength: 8 }),
    fc.oneof(fc.constant(0), fc.nat(UNIT - 1)),
    fc.constantFrom(1, 40),
  )
  .map(([fills, rest, times]) =>
    Buffer.concat([
      ...fills.flatMap((fill) => new Array<Buffer>(times).fill(Buffer.alloc(UNIT, fill))),
      Buffer.alloc(rest, 9),
    ]),
  );
const versions = fc.array(
  fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), file, { noNullPrototype: true }),
  {
    minLength: 2,
    maxLength: 4,
  },
);

describe('files that are compared with an earlier backup', () => {
  test('come back as each version had them, with the checksum of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(versions, async (list) => {
        let parent: ParentBackup | undefined;
        for (const [i, contents] of list.entries()) {
          parent = await takeIn(`2026-11-22T12:00:0${String(i)}Z`, contents, parent);
          expect(sums(await contentOf(parent))).toEqual(sums(contents));
          for (const { path, checksum } of parent.manifest.files)
            expect(checksum).toBe(crc32c(contents[path]!));
        }
        await rm(directory.path, { recursive: true });
      }),
      { numRuns: 8 },
    );
  }, 120_000);

  test('are stored in the units that changed, and share their list of hashes where nothing did', async () => {
    const before = { a: Buffer.alloc(300 * UNIT, 1), b: Buffer.alloc(5 * UNIT, 2) };
    const full = await takeIn('2026-11-22T12:00:00Z', before);
    const changed = Buffer.from(before.a);
    changed.writeUInt8(7, 17 * UNIT);
    changed.writeUInt8(7, 250 * UNIT + 5);
    const next = await takeIn('2026-11-22T12:00:01Z', { ...before, a: changed }, full);
    expect(ownBytes(next)).toBe(2 * UNIT);
    const hashes = (backup: ParentBackup, path: string): FileEntry['hashes'] =>
      backup.files.get(path)?.hashes;
    expect(hashes(next, 'b')).toEqual(hashes(full, 'b'));
    expect(hashes(next, 'a')).toMatchObject({ member: 1 });
    expect(ownBytes(await takeIn('2026-11-22T12:00:02Z', { ...before, a: changed }, next))).toBe(0);
  });

  test('are stored whole where the hashes are lost', async () => {
    const contents = { a: Buffer.alloc(20 * UNIT, 1) };
    const full = await takeIn('2026-11-22T12:00:00Z', contents);
    await rm(join(directory.path, blockHashesName(full.record.id)));
    const next = await takeIn('2026-11-22T12:00:01Z', contents, full);
    expect(ownBytes(next)).toBe(20 * UNIT);
    expect(sums(await contentOf(next))).toEqual(sums(contents));
  });
});
