import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomFillSync } from 'node:crypto';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError } from '../../src/errors.ts';
import { FrameWriter } from '../../src/repository/frames/frame-writer.ts';
import { packName } from '../../src/repository/layout.ts';
import type { Manifest } from '../../src/repository/manifest/manifest-reader.ts';
import { frameWork } from '../../src/restore/pieces.ts';
import { readContents, type ContentRun } from '../../src/restore/read-contents.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

const ID = 'full_backup_truck_20261122_120000';
const MIB = 1024 * 1024;

let directory: TemporaryDirectory;
let contents: Buffer[];
let manifest: Manifest;

function someContent(length: number): Buffer {
  return randomFillSync(Buffer.alloc(length, 'text that shrinks '), 0, Math.floor(length / 2));
}

/** Stores these contents as the files of one backup; its manifest. */
async function storeBackup(files: readonly Buffer[]): Promise<Manifest> {
  const location = { kind: 'filesystem', directory: directory.path } as const;
  const writer = new FrameWriter({ location, level: 1, workers: 2 });
  writer.begin(ID);
  const written = [];
  for (const content of files) {
    written.push(writer.beginFile(content.length));
    for (let position = 0; position < content.length; position += MIB / 4) {
      writer.write(content, position, Math.min(position + MIB / 4, content.length));
      if (!writer.hasRoom) await writer.room();
    }
  }
  const { frames } = await writer.finish();
  const entries = written.map(({ size, frame, frameOffset, checksum }, i) => ({
    kind: 'file' as const,
    path: `file-${String(i)}`,
    size,
    mode: 0o600,
    modified: 0,
    checksum,
    extents: frame === undefined ? [] : [{ fileOffset: 0, length: size, frame, frameOffset }],
  }));
  return {
    chain: [{ id: ID, frames: frames.length }],
    frames,
    files: entries,
    directories: [],
    bytes: files.reduce((sum, { length }) => sum + length, 0),
  };
}

beforeEach(async () => {
  directory = await temporaryDirectory();
  contents = [0, 1, 700, 9000, MIB, 3 * MIB + 5, 40_000, MIB / 2].map(someContent);
  manifest = await storeBackup(contents);
});

afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

function run(more: Partial<ContentRun> = {}): ContentRun {
  return {
    location: { kind: 'filesystem', directory: directory.path },
    manifest,
    work: frameWork(manifest, () => true),
    workers: 2,
    owner: undefined,
    targetOf: () => undefined,
    onProgress: () => undefined,
    onDamage: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
    ...more,
  };
}

/** Overwrites some bytes of the pack and place where a file's content begins. */
async function damageFile(index: number): Promise<void> {
  const frame = manifest.frames[[...manifest.files[index]!.extents][0]!.frame]!;
  const file = await open(join(directory.path, packName(ID, frame.pack)), 'r+');
  await file.write(Buffer.from('damage'), 0, 6, frame.offset + 20);
  await file.close();
}

describe('reading the contents of a backup', () => {
  test('finds of every file its bytes and its checksum', async () => {
    const progress: number[] = [];
    const { files } = await readContents(run({ onProgress: (bytes) => progress.push(bytes) }));
    manifest.files.forEach(({ size, checksum }, i) => {
      expect(files.get(i)).toEqual(size === 0 ? undefined : { bytes: size, checksum });
    });
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBe(manifest.bytes);
  });

  test('writes every file where it is told to', async () => {
    await using target = await temporaryDirectory();
    const pathOf = (i: number): string => join(target.path, String(i));
    const large = manifest.files.flatMap(({ size }, i) => (size > MIB / 2 ? [i] : []));
    for (const i of large) {
      await writeFile(pathOf(i), '');
      await truncate(pathOf(i), manifest.files[i]!.size);
    }
    // files of one piece are made by the worker that has it; the file of a whole frame too
    await rm(pathOf(4));
    await readContents(run({ targetOf: (i) => ({ path: pathOf(i), fileSize: manifest.files[i]!.size }) }));
    for (const [i, content] of contents.entries()) {
      if (content.length > 0) expect((await readFile(pathOf(i))).equals(content)).toBe(true);
    }
  });

  test('reads only what is wanted', async () => {
    const work = frameWork(manifest, ({ path }) => path === 'file-5');
    const { files } = await readContents(run({ work }));
    expect([...files.keys()]).toEqual([5]);
    expect(files.get(5)).toEqual({ bytes: 3 * MIB + 5, checksum: manifest.files[5]!.checksum });
    expect((await readContents(run({ work: [] }))).files.size).toBe(0);
  });

  test('names damage and goes on with the rest, when it is let', async () => {
    await damageFile(4);
    const damage: LarderError[] = [];
    const { files } = await readContents(run({ onDamage: (error) => damage.push(error) }));
    expect(damage).toMatchObject([{ code: 'OBJECT_DAMAGED', message: expect.stringContaining('.pack at ') }]);
    expect(files.has(4)).toBe(false);
    expect(files.get(5)).toEqual({ bytes: 3 * MIB + 5, checksum: manifest.files[5]!.checksum });
  });

  test('ends at the first damage, when it is told to', async () => {
    await damageFile(5);
    await expect(readContents(run())).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
  });

  test('tells a pack that is gone from one that was cut short', async () => {
    const pack = join(directory.path, packName(ID, manifest.frames[0]!.pack));
    const { size } = await stat(pack);
    await truncate(pack, size - 1);
    await expect(readContents(run())).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    await rm(pack);
    await expect(readContents(run())).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  });

  test('ends when a file cannot be written', async () => {
    const targetOf = (i: number) => ({ path: '/proc/nothing', fileSize: manifest.files[i]!.size });
    await expect(readContents(run({ targetOf }))).rejects.toMatchObject({
      code: 'RESTORE_FAILED',
      message: expect.stringContaining('/proc/nothing'),
    });
  });

  test('ends with the reason of its signal', async () => {
    const reason = new LarderError('INTERRUPTED', 'stop');
    await expect(readContents(run({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    const stop = new AbortController();
    const stopped = run({ signal: stop.signal, onProgress: () => stop.abort(reason) });
    await expect(readContents(stopped)).rejects.toBe(reason);
  });
});
