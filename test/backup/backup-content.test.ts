import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { BackupContent } from '../../src/backup/backup-content.ts';
import { WholeFilesIntake } from '../../src/backup/intake/whole-files.ts';
import { CarriedLog } from '../../src/backup/carried-log.ts';
import { crc32c, crc32cHex } from '../../src/crc32c.ts';
import { pathToBytes } from '../../src/postgres/path-bytes.ts';
import { readFramedObject, FramedObjectWriter } from '../../src/repository/frames/framed-object.ts';
import { FrameWriter } from '../../src/repository/frames/frame-writer.ts';
import { serverManifestName } from '../../src/repository/layout.ts';
import { FrameAddresses } from '../../src/repository/manifest/frame-addresses.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { serverManifest, type ListedFile } from '../support/server-manifest.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

const ID = 'full_backup_truck_20261122_120000';
const files = new Map([
  ['backup_label', randomBytes(200)],
  ['base/5/1', randomBytes(8192)],
  ['global/pg_control', randomBytes(8192)],
  ['bad\udcff', randomBytes(10)],
  ['empty', Buffer.alloc(0)],
]);

let directory: TemporaryDirectory;
let store: ObjectStore;
let frames: FrameWriter;
let intake: WholeFilesIntake;
let content: BackupContent;

beforeEach(async () => {
  directory = await temporaryDirectory();
  store = openMemoryStore(new FakeClock());
  const location = { kind: 'filesystem', directory: directory.path } as const;
  frames = new FrameWriter({ location, level: 1, workers: 1 });
  frames.begin(ID);
  intake = new WholeFilesIntake(ID, frames);
  const name = serverManifestName(ID);
  content = new BackupContent(
    intake,
    await FramedObjectWriter.open(store, name, 'serverManifest', 1),
    new CarriedLog(16 * 1024 * 1024, 17),
  );
});

afterEach(async () => {
  await frames.abort();
  await directory[Symbol.asyncDispose]();
});

function receive(path: string, bytes: Buffer): void {
  content.fileStart({ path, size: bytes.length, mode: 0o600, modified: 5 });
  content.fileBytes(bytes, 0, bytes.length);
  content.fileEnd();
}

function receiveAll(): void {
  for (const [path, bytes] of files) receive(path, bytes);
}

function listedFiles(): ListedFile[] {
  return [...files].map(([path, bytes]) => ({
    path: pathToBytes(path),
    size: bytes.length,
    checksum: crc32cHex(crc32c(bytes)),
  }));
}

function manifestOf(listed: readonly ListedFile[]): Buffer {
  const walRanges = [{ timeline: 1, start: '0/4000028', end: '0/4000158' }];
  return serverManifest({ version: 2, systemIdentifier: 7n, files: listed, walRanges });
}

const incomplete = expect.objectContaining({ code: 'BACKUP_INCOMPLETE' });

describe('the content of a backup', () => {
  test('is whole when every file came as the server lists it', async () => {
    content.directory('base', 0o700);
    content.directory('pg_wal', 0o700);
    content.directory('pg_wal', 0o750);
    receiveAll();
    receive('pg_wal/000000010000000000000004', randomBytes(100));
    const manifest = manifestOf(listedFiles());
    for (let i = 0; i < manifest.length; i += 100) content.serverManifest(manifest.subarray(i, i + 100));
    await frames.finish();
    const { summary, object } = await content.finishServerManifest();
    content.assertComplete();
    expect(summary).toMatchObject({ fileCount: files.size, walRanges: [{ timeline: 1 }] });
    expect(object.name).toBe(serverManifestName(ID));
    const pieces: Buffer[] = [];
    for await (const piece of readFramedObject(store, object.name, 'serverManifest')) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(manifest)).toBe(true);
    expect(content.fileCount).toBe(files.size + 1);
    expect(content.directoryCount).toBe(2);
    expect([...content.entries(new FrameAddresses([]))][1]).toEqual({
      kind: 'directory',
      path: 'pg_wal',
      mode: 0o700,
    });
    expect(content.sizeOf('base/5/1')).toBe(8192);
    expect(content.sizeOf('base/5/2')).toBeUndefined();
  });

  test('lists directories, then files in the order in which they came, with what became of them', async () => {
    content.directory('base', 0o700);
    receiveAll();
    const addresses = new FrameAddresses((await intake.finish()).frames);
    const entries = [...content.entries(addresses)];
    expect(entries[0]).toEqual({ kind: 'directory', path: 'base', mode: 0o700 });
    expect(entries.slice(1).map(({ path }) => path)).toEqual([...files.keys()]);
    for (const entry of entries) {
      if (entry.kind === 'directory') continue;
      const bytes = files.get(entry.path)!;
      expect(entry).toMatchObject({ size: bytes.length, mode: 0o600, modified: 5, checksum: crc32c(bytes) });
      expect([...entry.extents].reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length);
    }
  });

  test('is refused when a file differs from what the server lists', async () => {
    receiveAll();
    const wrong = listedFiles().map((file) => ({ ...file, checksum: '00000001' }));
    content.serverManifest(manifestOf(wrong));
    await frames.finish();
    await content.finishServerManifest();
    expect(() => content.assertComplete()).toThrow(incomplete);
  });

  test('is refused when a listed file never came, or came with another size', () => {
    receiveAll();
    const more = { path: Buffer.from('base/5/2'), size: 1, checksum: '00000000' };
    expect(() => content.serverManifest(manifestOf([...listedFiles(), more]))).toThrow(incomplete);
  });

  test('is refused when a file came that the server does not list', async () => {
    receiveAll();
    receive('base/5/2', randomBytes(10));
    content.serverManifest(manifestOf(listedFiles()));
    await frames.finish();
    expect(() => content.assertComplete()).toThrow(
      'file "base/5/2" came and is not in the server\'s manifest',
    );
  });

  test('is refused when a file comes twice', () => {
    receive('base/5/1', randomBytes(10));
    expect(() => receive('base/5/1', randomBytes(10))).toThrow('the server sent the file "base/5/1" twice');
  });

  test('is refused when the server never ended its manifest', async () => {
    content.serverManifest(manifestOf([]).subarray(0, -5));
    await expect(content.finishServerManifest()).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
    await content.abort();
    expect(await store.stat(serverManifestName(ID))).toBeUndefined();
  });

  test('holds the source back while frames wait for the store', async () => {
    expect(content.room()).toBeUndefined();
    content.fileStart({ path: 'large', size: 100 * 1024 * 1024, mode: 0o600, modified: 5 });
    const bytes = Buffer.alloc(1024 * 1024);
    let room: Promise<void> | undefined;
    while (room === undefined) {
      content.fileBytes(bytes, 0, bytes.length);
      room = content.room();
    }
    await room;
    expect(content.room()).toBeUndefined();
  });

  test('keeps each warning once, and a bounded number of them', () => {
    for (let i = 0; i < 300; i++) {
      content.warning('again');
      content.warning(`warning ${String(i)}`);
    }
    expect(content.warnings).toHaveLength(100);
    expect(content.warnings.slice(0, 3)).toEqual(['again', 'warning 0', 'warning 1']);
  });
});
