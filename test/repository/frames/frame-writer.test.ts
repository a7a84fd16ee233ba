import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomFillSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mountTest } from '../../support/able-to.ts';
import { crc32c } from '../../../src/crc32c.ts';
import type { LarderError } from '../../../src/errors.ts';
import { FRAME_CONTENT_LIMIT } from '../../../src/repository/frames/frame.ts';
import { FrameWriter, type WrittenFile } from '../../../src/repository/frames/frame-writer.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { readWrittenFile } from '../../support/frame-contents.ts';
import { mountedDirectory, temporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';

const ID = 'full_backup_truck_20261122_120000';
const MIB = 1024 * 1024;
const READ = 256 * 1024;

function open(directory: string, options: { level?: number; workers?: number } = {}): FrameWriter {
  const location = { kind: 'filesystem', directory } as const;
  const writer = new FrameWriter({ location, level: 1, workers: 2, ...options });
  writer.begin(ID);
  return writer;
}

/** Writes files as they come from a socket: in reads of one buffer, with a question for room after each. */
async function writeFiles(writer: FrameWriter, files: readonly Buffer[]): Promise<WrittenFile[]> {
  const buffer = Buffer.alloc(READ);
  const written: WrittenFile[] = [];
  for (const file of files) {
    written.push(writer.beginFile(file.length));
    for (let position = 0; position < file.length; position += READ) {
      const length = file.copy(buffer, 0, position, position + READ);
      writer.write(buffer, 0, length);
      if (!writer.hasRoom) await writer.room();
    }
  }
  return written;
}

/** Half of it random, half of it not, so that both codecs come up. */
function someContent(length: number): Buffer {
  const bytes = Buffer.alloc(length, 'text that shrinks ');
  return randomFillSync(bytes, 0, Math.floor(length / 2));
}

/** What a failed or abandoned run left of its unfinished objects. */
function unfinished(directory: string): string[] {
  return readdirSync(join(directory, '.tmp'));
}

async function failureOf(pending: Promise<unknown>): Promise<LarderError> {
  return pending.then(
    () => {
      throw new Error('no failure');
    },
    (error: unknown) => error as LarderError,
  );
}

describe('files that went into frames', () => {
  test('come out of them as they were, with the checksum of the whole', async () => {
    const size = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 * MIB }) },
      fc.constantFrom(0, 1, MIB / 2 - 1, MIB / 2, MIB - 1, MIB, MIB + 1, 2 * MIB),
    );
    const sizes = fc.array(size, { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.constantFrom(0, 1), async (lengths, level) => {
        await using directory = await temporaryDirectory();
        const writer = open(directory.path, { level });
        const contents = lengths.map(someContent);
        const files = await writeFiles(writer, contents);
        const frames = await writer.finish();
        const store = openStore({ kind: 'filesystem', directory: directory.path });
        for (const [i, file] of files.entries()) {
          const content = contents[i]!;
          expect(file.checksum).toBe(crc32c(content));
          expect((await readWrittenFile(store, ID, frames, file)).equals(content)).toBe(true);
        }
        const sum = frames.frames.reduce((total, { storedLength }) => total + storedLength, 0);
        expect(writer.storedBytes).toBe(sum);
        for (const { name, size: bytes } of frames.packs) expect((await store.stat(name))?.size).toBe(bytes);
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  test('share frames while they are small, and begin one of their own from half a mebibyte on', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path);
    const small = Array.from({ length: 1000 }, () => someContent(700));
    const files = await writeFiles(writer, [...small, someContent(MIB / 2), someContent(10)]);
    const { frames, packs } = await writer.finish();
    expect(frames).toHaveLength(2);
    expect(packs.length).toBeLessThanOrEqual(2);
    expect(files.at(-2)).toMatchObject({ size: MIB / 2, frame: 1, frameOffset: 0 });
    expect(files.at(-1)).toMatchObject({ size: 10, frame: 1, frameOffset: MIB / 2 });
  });

  test('lie in one stretch, however many frames they take', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path, { level: 0 });
    const [file, empty] = await writeFiles(writer, [Buffer.alloc(5 * MIB + 1), Buffer.alloc(0)]);
    const { frames } = await writer.finish();
    expect(frames.map(({ contentLength }) => contentLength)).toEqual([...Array<number>(5).fill(MIB), 1]);
    expect(file).toMatchObject({ size: 5 * MIB + 1, frame: 0, frameOffset: 0 });
    expect(empty).toMatchObject({ frame: undefined, checksum: 0 });
  });
});

describe('a frame writer', () => {
  test('says when it has no room, and again when it has', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path, { workers: 1 });
    const piece = someContent(FRAME_CONTENT_LIMIT);
    writer.beginFile(100 * MIB);
    let taken = 0;
    for (; writer.hasRoom; taken++) writer.write(piece, 0, piece.length);
    expect(taken).toBe(5);
    // one read more never fails
    writer.write(piece, 0, READ);
    await writer.room();
    expect(writer.hasRoom).toBe(true);
    await writer.abort();
  });

  test('refuses to be written without room, and more than a file was to hold', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path, { workers: 1 });
    expect(() => writer.write(Buffer.alloc(1), 0, 1)).toThrow('content outside of a file');
    writer.beginFile(3);
    expect(() => writer.write(Buffer.alloc(4), 0, 4)).toThrow('content outside of a file');
    writer.beginFile(100 * MIB);
    const flood = (): void => {
      for (let i = 0; i < 20; i++) writer.write(Buffer.alloc(MIB), 0, MIB);
    };
    expect(flood).toThrow('although there was no room');
    await writer.abort();
  });

  test('that is given up leaves no unfinished file, and ends whoever waits for room', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path, { workers: 1 });
    const piece = someContent(FRAME_CONTENT_LIMIT);
    writer.beginFile(100 * MIB);
    while (writer.hasRoom) writer.write(piece, 0, piece.length);
    const waiting = failureOf(
      (async () => {
        for (;;) {
          while (writer.hasRoom) writer.write(piece, 0, piece.length);
          await writer.room();
        }
      })(),
    );
    await writer.abort();
    expect(await waiting).toMatchObject({ code: 'INTERRUPTED' });
    expect(unfinished(directory.path)).toEqual([]);
    expect(() => writer.beginFile(1)).toThrow('the backup was given up');
  });

  test('can be given up after it finished, and twice', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path);
    await writeFiles(writer, [someContent(1000)]);
    await writer.finish();
    await writer.abort();
    await writer.abort();
    expect(unfinished(directory.path)).toEqual([]);
  });

  test('ends with its error when a worker cannot begin', async () => {
    const location = null as never;
    const writer = new FrameWriter({ location, level: 1, workers: 2 });
    writer.beginFile(10);
    writer.write(Buffer.alloc(10), 0, 10);
    expect(await failureOf(writer.finish())).toMatchObject({ code: 'INTERNAL' });
    await writer.abort();
  });

  test('fails when its directory is taken away', async () => {
    await using directory = await temporaryDirectory();
    const writer = open(directory.path);
    await writeFiles(writer, [someContent(1000), someContent(3 * MIB)]);
    await until(() => writer.storedBytes > 0);
    await rm(directory.path, { recursive: true });
    const failure = await failureOf(writer.finish());
    expect(failure).toMatchObject({ name: 'LarderError', code: expect.stringMatching(/^REPOSITORY_/) });
    await writer.abort();
  });

  mountTest('fails when the disk is full, says so, and leaves nothing unfinished', async () => {
    await using directory = await mountedDirectory('tmpfs');
    if (directory === undefined) return;
    const writer = open(directory.path, { level: 0 });
    const failure = await failureOf(writeFiles(writer, [Buffer.alloc(200 * MIB)]));
    expect(failure).toMatchObject({ code: 'REPOSITORY_FULL' });
    expect(failure.message).toContain(directory.path);
    expect(failure.hint).toBeTruthy();
    expect(await failureOf(writer.finish())).toMatchObject({ code: 'REPOSITORY_FULL' });
    await writer.abort();
    expect(unfinished(directory.path)).toEqual([]);
  });
});
