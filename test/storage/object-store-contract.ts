import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { ObjectInfo, ObjectStore } from '../../src/storage/object-store.ts';

/** A store under test, empty, with what has to be taken down afterwards. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}

type Body = (store: ObjectStore) => Promise<void>;

const MIB = 1024 * 1024;

/** The contract of `src/storage/object-store.ts`, run against one implementation. */
export function describeObjectStore(kind: string, open: () => Promise<StoreUnderTest>): void {
  const holds = (title: string, body: Body): void => {
    test(title, async () => {
      const { store, close } = await open();
      try {
        await body(store);
      } finally {
        await close();
      }
    });
  };
  describe(`${kind} store: storing and reading`, () => describeObjects(holds));
  describe(`${kind} store: listing and removing`, () => describeListing(holds));
  describe(`${kind} store: writers`, () => describeWriters(holds));
  describe(`${kind} store: concurrency`, () => describeConcurrency(holds));
}

type Holds = (title: string, body: Body) => void;

function describeObjects(holds: Holds): void {
  holds('gives back what was put, by get, stat and list', async (store) => {
    const before = Date.now() - 2000;
    await store.putIfAbsent('a/b/one', bytes('hello'));
    expect(text(await store.get('a/b/one', 5))).toBe('hello');
    const info = await store.stat('a/b/one');
    expect(info).toMatchObject({ name: 'a/b/one', size: 5 });
    expect(info?.modified).toBeGreaterThan(before);
    expect(await listed(store, '')).toEqual([info]);
  });

  holds('takes an empty object', async (store) => {
    await store.putIfAbsent('empty', new Uint8Array());
    expect(await store.get('empty', 0)).toHaveLength(0);
    expect(await store.stat('empty')).toMatchObject({ size: 0 });
    await store.readInto('empty', 0, new Uint8Array());
  });

  holds('refuses a name that is taken, and leaves the old object', async (store) => {
    await store.putIfAbsent('a/one', bytes('old'));
    await expect(store.putIfAbsent('a/one', bytes('new'))).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
    expect(text(await store.get('a/one', 10))).toBe('old');
    expect(await store.sweepUnfinished()).toBe(0);
  });

  holds('replaces an object, or makes it', async (store) => {
    await store.replace('state', bytes('1'));
    await store.replace('state', bytes('two'));
    expect(text(await store.get('state', 10))).toBe('two');
    const read = new Uint8Array(3);
    await store.readInto('state', 0, read);
    await store.replace('state', bytes('tri'));
    await store.readInto('state', 0, read);
    expect(text(read)).toBe('tri');
  });

  holds('says that an absent object is missing', async (store) => {
    const missing = { code: 'OBJECT_MISSING' };
    for (const name of ['none', 'no/such/place']) {
      expect(await store.stat(name)).toBeUndefined();
      await expect(store.get(name, 10)).rejects.toMatchObject(missing);
      await expect(store.readInto(name, 0, new Uint8Array(1))).rejects.toMatchObject(missing);
      await store.delete(name);
    }
  });

  holds('says that an object is damaged when it is larger or shorter than it must be', async (store) => {
    const damaged = { code: 'OBJECT_DAMAGED' };
    await store.putIfAbsent('one', bytes('12345'));
    await expect(store.get('one', 4)).rejects.toMatchObject(damaged);
    await expect(store.readInto('one', 3, new Uint8Array(3))).rejects.toMatchObject(damaged);
    await expect(store.readInto('one', 9, new Uint8Array(1))).rejects.toMatchObject(damaged);
  });

  holds('reads ranges, also into memory shared between threads', async (store) => {
    const content = randomBytes(100_000);
    await store.putIfAbsent('one', content);
    const shared = new Uint8Array(new SharedArrayBuffer(1000));
    const middle = new Uint8Array(new SharedArrayBuffer(2000), 64, 1000);
    const targets = [new Uint8Array(1000), Buffer.from(shared.buffer), shared, middle];
    for (const target of targets) {
      for (const offset of [0, 1, 50_000, 99_000]) {
        await store.readInto('one', offset, target);
        expect(Buffer.compare(target, content.subarray(offset, offset + 1000))).toBe(0);
      }
    }
  });

  holds('reads many objects in turn', async (store) => {
    const names = Array.from({ length: 30 }, (_, index) => `many/${index}`);
    for (const name of names) await store.putIfAbsent(name, bytes(name));
    for (const name of [...names, ...names.toReversed()]) {
      const target = new Uint8Array(name.length);
      await store.readInto(name, 0, target);
      expect(text(target)).toBe(name);
    }
  });

  holds('refuses names that are not ours', async (store) => {
    for (const name of [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '..',
      'a/../b',
      '.tmp/x',
      'a\0b',
      'a b',
      'ä',
      'a'.repeat(256),
    ]) {
      const refused = { code: 'INTERNAL' };
      await expect(store.putIfAbsent(name, bytes('x'))).rejects.toMatchObject(refused);
      await expect(store.replace(name, bytes('x'))).rejects.toMatchObject(refused);
      await expect(store.create(name)).rejects.toMatchObject(refused);
      await expect(store.get(name, 1)).rejects.toMatchObject(refused);
      await expect(store.readInto(name, 0, new Uint8Array(1))).rejects.toMatchObject(refused);
      await expect(store.stat(name)).rejects.toMatchObject(refused);
      await expect(store.delete(name)).rejects.toMatchObject(refused);
    }
    for (const prefix of ['/', '../', 'a/../', '.tmp', 'a//']) {
      await expect(listed(store, prefix)).rejects.toMatchObject({ code: 'INTERNAL' });
    }
  });
}

function describeListing(holds: Holds): void {
  holds('lists by plain prefix', async (store) => {
    const names = ['a', 'ab/c', 'ab/d/e', 'abc', 'b/a'];
    for (const name of names) await store.putIfAbsent(name, bytes(name));
    const expected: Record<string, string[]> = {
      '': names,
      a: ['a', 'ab/c', 'ab/d/e', 'abc'],
      ab: ['ab/c', 'ab/d/e', 'abc'],
      'ab/': ['ab/c', 'ab/d/e'],
      'ab/d': ['ab/d/e'],
      'b/a': ['b/a'],
      'b/a/': [],
      'no/where': [],
    };
    for (const [prefix, found] of Object.entries(expected)) {
      expect((await listed(store, prefix)).map(({ name }) => name)).toEqual(found);
    }
  });

  holds('lists an empty store as empty', async (store) => {
    expect(await listed(store, '')).toEqual([]);
    expect(await store.sweepUnfinished()).toBe(0);
  });

  holds('lists more objects than fit one batch, and can be left early', async (store) => {
    const names = Array.from({ length: 150 }, (_, index) => `x/${String(index).padStart(3, '0')}`);
    for (const name of names) await store.putIfAbsent(name, new Uint8Array(1));
    expect((await listed(store, 'x/')).map(({ name }) => name)).toEqual(names);
    for await (const info of store.list('x/')) {
      expect(info.size).toBe(1);
      break;
    }
  });

  holds('removes one object, and again without an error', async (store) => {
    await store.putIfAbsent('a/one', bytes('1'));
    await store.putIfAbsent('a/two', bytes('2'));
    await store.readInto('a/one', 0, new Uint8Array(1));
    await store.delete('a/one');
    await store.delete('a/one');
    expect((await listed(store, '')).map(({ name }) => name)).toEqual(['a/two']);
    await expect(store.readInto('a/one', 0, new Uint8Array(1))).rejects.toMatchObject({
      code: 'OBJECT_MISSING',
    });
    await store.putIfAbsent('a/one', bytes('new'));
    expect(text(await store.get('a/one', 3))).toBe('new');
  });

  holds('says how much room there is, if it can', async (store) => {
    const capacity = await store.capacity();
    if (capacity !== undefined) expect(capacity.total).toBeGreaterThanOrEqual(capacity.free);
  });
}

function describeWriters(holds: Holds): void {
  holds('shows a large object only once it is committed', async (store) => {
    const content = randomBytes(5 * MIB);
    const writer = await store.create('big/one');
    for (let offset = 0; offset < content.length; offset += MIB) {
      await writer.append(content.subarray(offset, offset + MIB));
    }
    expect(await store.stat('big/one')).toBeUndefined();
    expect(await listed(store, '')).toEqual([]);
    await writer.commit();
    expect(Buffer.compare(await store.get('big/one', content.length), content)).toBe(0);
  });

  holds('copies what is appended, so that the slab can be used again', async (store) => {
    const slab = new Uint8Array(new SharedArrayBuffer(3)).fill(1);
    const writer = await store.create('one');
    await writer.append(slab);
    slab.fill(2);
    await writer.append(slab);
    await writer.commit();
    expect([...(await store.get('one', 6))]).toEqual([1, 1, 1, 2, 2, 2]);
  });

  holds('leaves nothing after an abort, before or after a failure', async (store) => {
    const writer = await store.create('one');
    await writer.append(bytes('x'));
    await writer.abort();
    await writer.abort();
    await expect(writer.commit()).rejects.toThrow();
    expect(await store.stat('one')).toBeUndefined();
    expect(await store.sweepUnfinished()).toBe(0);
  });

  holds('keeps a committed object through a late abort', async (store) => {
    const writer = await store.create('one');
    await writer.commit();
    await writer.abort();
    expect(await store.stat('one')).toMatchObject({ size: 0 });
  });

  holds('refuses to commit over an object', async (store) => {
    const writer = await store.create('one');
    await writer.append(bytes('late'));
    await store.putIfAbsent('one', bytes('first'));
    await expect(writer.commit()).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
    await writer.abort();
    expect(text(await store.get('one', 10))).toBe('first');
    expect(await store.sweepUnfinished()).toBe(0);
  });

  holds('sweeps what was never committed, and keeps objects', async (store) => {
    await store.putIfAbsent('kept', bytes('x'));
    const writers = await Promise.all(['one', 'two'].map((name) => store.create(name)));
    expect(await store.sweepUnfinished()).toBe(2);
    for (const writer of writers) {
      await expect(writer.commit()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
    }
    expect((await listed(store, '')).map(({ name }) => name)).toEqual(['kept']);
  });
}

function describeConcurrency(holds: Holds): void {
  holds('lets one of ten win a name', async (store) => {
    for (let round = 0; round < 10; round++) {
      const name = `race/${round}/commit`;
      const runs = await Promise.allSettled(
        range(10).map((n) => store.putIfAbsent(name, bytes(`writer ${n}`))),
      );
      const winner = runs.findIndex(({ status }) => status === 'fulfilled');
      expect(text(await store.get(name, 100))).toBe(`writer ${winner}`);
      const losers = runs.filter((run) => run.status === 'rejected');
      expect(losers).toHaveLength(9);
      for (const { reason } of losers) expect(reason).toMatchObject({ code: 'OBJECT_EXISTS' });
    }
    expect(await store.sweepUnfinished()).toBe(0);
  });

  holds('stores beside deletions of the last neighbour', async (store) => {
    await Promise.all(
      range(8).map(async (n) => {
        for (let round = 0; round < 15; round++) {
          await store.putIfAbsent(`deep/er/${n}`, bytes('x'));
          expect(await store.stat(`deep/er/${n}`)).toMatchObject({ size: 1 });
          await store.delete(`deep/er/${n}`);
        }
      }),
    );
    expect(await listed(store, '')).toEqual([]);
  });

  holds('never shows half of an object that is being replaced', async (store) => {
    await store.replace('state', bytes('0'.repeat(1000)));
    let done = false;
    const reading = (async () => {
      while (!done) {
        const seen = text(await store.get('state', 1000));
        expect(seen).toBe(seen.charAt(0).repeat(1000));
      }
    })();
    for (let round = 0; round < 50; round++)
      await store.replace('state', bytes(String(round % 10).repeat(1000)));
    done = true;
    await reading;
  });
}

async function listed(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) found.push(info);
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function bytes(content: string): Uint8Array {
  return Buffer.from(content);
}

function text(content: Uint8Array): string {
  return Buffer.from(content).toString();
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
