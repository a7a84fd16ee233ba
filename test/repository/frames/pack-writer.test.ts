import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import {
  decodeFrame,
  FRAME_CONTENT_LIMIT,
  FRAME_HEADER_LENGTH,
} from '../../../src/repository/frames/frame.ts';
import type { FrameReference } from '../../../src/repository/frames/frame.ts';
import { PackWriter } from '../../../src/repository/frames/pack-writer.ts';
import { packName } from '../../../src/repository/layout.ts';
import { checkObjectHeader } from '../../../src/repository/object-header.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const MIB = 1024 * 1024;
const nameOf = (number: number): string => packName('backup', number);

function open(store: ObjectStore, level: number): PackWriter {
  let last = 0;
  return new PackWriter({ store, nextNumber: () => ++last, nameOf, level });
}

async function readFrame(store: ObjectStore, frame: FrameReference): Promise<Buffer> {
  const bytes = Buffer.alloc(FRAME_HEADER_LENGTH + frame.storedLength);
  await store.readInto(nameOf(frame.pack), frame.offset, bytes);
  return decodeFrame(bytes, 'here', frame);
}

async function namesIn(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list('')) names.push(name);
  return names.toSorted();
}

describe('packs', () => {
  test('hold every frame where its reference says', async () => {
    const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(contents, fc.constantFrom(0, 1), async (written, level) => {
        const store = openMemoryStore(new FakeClock());
        const packs = open(store, level);
        const frames: FrameReference[] = [];
        for (const bytes of written) frames.push(await packs.add(Buffer.from(bytes)));
        const objects = await packs.finish();
        expect(objects).toHaveLength(1);
        for (const [i, frame] of frames.entries())
          expect((await readFrame(store, frame)).equals(written[i]!)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('are closed at 64 MiB and described with size and SHA-256', async () => {
    const store = openMemoryStore(new FakeClock());
    const packs = open(store, 0);
    const content = randomBytes(FRAME_CONTENT_LIMIT);
    const frames: FrameReference[] = [];
    for (let i = 0; i < 70; i++) frames.push(await packs.add(content));
    const objects = await packs.finish();
    expect(objects.map(({ name }) => name)).toEqual(['backup/data-00001.pack', 'backup/data-00002.pack']);
    expect(objects[0]!.size).toBeGreaterThanOrEqual(64 * MIB);
    expect(objects[0]!.size).toBeLessThan(65 * MIB + 64 * 16 + 16);
    expect(frames.filter(({ pack }) => pack === 1)).toHaveLength(64);
    expect(frames[64]).toMatchObject({ pack: 2, offset: 16 });
    for (const { name, size, sha256 } of objects) {
      const bytes = await store.get(name, 70 * MIB);
      expect(bytes).toHaveLength(size);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      checkObjectHeader(bytes, 'pack', name);
    }
    expect((await readFrame(store, frames[69]!)).equals(content)).toBe(true);
  });

  test('that hold nothing are not written', async () => {
    const store = openMemoryStore(new FakeClock());
    expect(await open(store, 1).finish()).toEqual([]);
    expect(await namesIn(store)).toEqual([]);
  });

  test('that are given up leave nothing unfinished', async () => {
    const store = openMemoryStore(new FakeClock());
    const packs = open(store, 1);
    await packs.add(Buffer.from('x'));
    await packs.abort();
    await packs.abort();
    expect(await namesIn(store)).toEqual([]);
    expect(await store.sweepUnfinished()).toBe(0);
  });

  test('whose name is taken are refused at the end', async () => {
    const store = openMemoryStore(new FakeClock());
    await store.putIfAbsent(nameOf(1), Buffer.from('of somebody else'));
    const packs = open(store, 1);
    await packs.add(Buffer.from('x'));
    await expect(packs.finish()).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
  });
});
