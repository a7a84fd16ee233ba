import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { FRAME_CONTENT_LIMIT, releaseFrame } from '../../../src/repository/frames/frame.ts';
import { FramedObjectWriter, readFramedObject } from '../../../src/repository/frames/framed-object.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const NAME = 'backup/backup_manifest';

async function storeObject(store: ObjectStore, pieces: readonly Uint8Array[], level = 1) {
  const writer = await FramedObjectWriter.open(store, NAME, 'serverManifest', level);
  for (const piece of pieces) {
    const used = Buffer.from(piece);
    await writer.write(used);
    used.fill(0xaa);
  }
  return writer.commit();
}

async function readObject(store: ObjectStore): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readFramedObject(store, NAME, 'serverManifest')) pieces.push(piece);
  return Buffer.concat(pieces);
}

function memory(): ObjectStore {
  return openMemoryStore(new FakeClock());
}

describe('a framed object', () => {
  test('is read back as it was written, in whatever pieces', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.constantFrom(0, 1, 3), async (written, level) => {
        const store = memory();
        await storeObject(store, written, level);
        expect((await readObject(store)).equals(Buffer.concat(written))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('holds frames of a mebibyte each, the last one what is left', async () => {
    for (const more of [-1, 0, 1]) {
      const store = memory();
      const bytes = randomBytes(2 * FRAME_CONTENT_LIMIT + more);
      await storeObject(store, [bytes.subarray(0, 10), bytes.subarray(10)]);
      const lengths: number[] = [];
      for await (const piece of readFramedObject(store, NAME, 'serverManifest')) lengths.push(piece.length);
      expect(lengths.slice(0, -1).every((length) => length === FRAME_CONTENT_LIMIT)).toBe(true);
      expect(lengths.reduce((a, b) => a + b)).toBe(bytes.length);
      expect((await readObject(store)).equals(bytes)).toBe(true);
    }
  });

  test('ends, also when who reads it frees each frame before it asks for the next', async () => {
    for (const level of [0, 1]) {
      const store = memory();
      const bytes = randomBytes(2 * FRAME_CONTENT_LIMIT);
      await storeObject(store, [bytes], level);
      let read = 0;
      for await (const piece of readFramedObject(store, NAME, 'serverManifest')) {
        expect(bytes.subarray(read, (read += piece.length)).equals(piece)).toBe(true);
        releaseFrame(piece, Buffer.alloc(0));
      }
      expect(read).toBe(bytes.length);
    }
  });

  test('is described with its name, its size and its SHA-256', async () => {
    const store = memory();
    const object = await storeObject(store, [randomBytes(5000)]);
    const bytes = await store.get(NAME, 10_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(object).toEqual({ name: NAME, size: bytes.length, sha256 });
  });

  test('is not there before its commit, nor after it was given up', async () => {
    const store = memory();
    const writer = await FramedObjectWriter.open(store, NAME, 'manifest', 1);
    await writer.write(Buffer.from('x'));
    await writer.abort();
    expect(await store.stat(NAME)).toBeUndefined();
    await expect(readObject(store)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  });

  test('is refused when any byte of it changed, or it is another kind of object', async () => {
    const store = memory();
    await storeObject(store, [Buffer.from('some content '.repeat(50))]);
    const bytes = Buffer.from(await store.get(NAME, 10_000));
    for (let position = 0; position < bytes.length; position++) {
      const changed = Buffer.from(bytes);
      changed[position] = changed[position]! ^ 0x10;
      await store.replace(NAME, changed);
      await expect(readObject(store)).rejects.toMatchObject({
        code: expect.stringMatching(/^(OBJECT_DAMAGED|REPOSITORY_NEWER_FORMAT)$/),
      });
    }
    await store.replace(NAME, bytes);
    const asManifest = readFramedObject(store, NAME, 'manifest').next();
    await expect(asManifest).rejects.toThrow('is not a manifest');
  });

  test('that was cut short is refused, unless it was cut between two frames', async () => {
    const store = memory();
    await storeObject(store, [randomBytes(3000)]);
    const bytes = Buffer.from(await store.get(NAME, 10_000));
    for (const length of [0, 1, 15, 17, 31, 32, 33, bytes.length - 1]) {
      await store.replace(NAME, bytes.subarray(0, length));
      await expect(readObject(store)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    }
    // what follows has an end of its own: the manifest's totals, the server manifest's checksum
    await store.replace(NAME, bytes.subarray(0, 16));
    expect(await readObject(store)).toHaveLength(0);
  });
});
