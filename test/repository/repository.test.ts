import { beforeEach, describe, expect, test } from '@jest/globals';
import { REPOSITORY_FILE } from '../../src/repository/layout.ts';
import {
  assertLineage,
  openOrCreateRepository,
  openRepository,
  type Repository,
} from '../../src/repository/repository.ts';
import { FORMAT_VERSION } from '../../src/repository/object-header.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { FakeClock } from '../support/fake-clock.ts';

// what is opened is the store; where it is matters to worker threads only
const location = { kind: 'filesystem', directory: '/nowhere' } as const;
const lineage = { systemIdentifier: '7381902837465019283', major: 17 };
const clock = new FakeClock('2026-11-22T12:00:00Z');
let store: ObjectStore;

beforeEach(() => {
  store = openMemoryStore(clock);
});

function openOrCreate(): Promise<Repository> {
  return openOrCreateRepository(store, location, { lineage, clock });
}

async function recordText(): Promise<string> {
  return Buffer.from(await store.get(REPOSITORY_FILE, 10_000)).toString();
}

describe('opening a repository', () => {
  test('to read never makes one', async () => {
    await expect(openRepository(store, location)).rejects.toMatchObject({
      code: 'REPOSITORY_MISSING',
      message: 'there is no repository at memory',
    });
    expect(await store.stat(REPOSITORY_FILE)).toBeUndefined();
  });

  test('to write makes it in an empty place, once', async () => {
    const first = await openOrCreate();
    expect(first.record).toMatchObject({
      format: 'larder-repository',
      formatVersion: FORMAT_VERSION,
      created: '2026-11-22T12:00:00.000Z',
      cipher: 'none',
      lineages: [{ ...lineage, since: '2026-11-22T12:00:00.000Z' }],
    });
    expect((await openOrCreate()).record).toEqual(first.record);
    expect((await openRepository(store, location)).record).toEqual(first.record);
  });

  test('by two at once gives both the same one', async () => {
    const [one, other] = await Promise.all([openOrCreate(), openOrCreate()]);
    expect(one.record).toEqual(other.record);
  });

  test('finds one that somebody makes between the look for its record and the look at what is there', async () => {
    const list = store.list.bind(store);
    store.list = async function* (prefix: string) {
      store.list = list;
      await openOrCreate();
      yield* list(prefix);
    };
    expect((await openRepository(store, location)).record.lineages).toMatchObject([lineage]);
  });

  test('is refused when there are objects and no record of it', async () => {
    await store.putIfAbsent('some/object', Buffer.of(1));
    const refused = {
      code: 'REPOSITORY_DAMAGED',
      message: 'memory holds some/object but no repository.json',
    };
    await expect(openRepository(store, location)).rejects.toMatchObject(refused);
    await expect(openOrCreate()).rejects.toMatchObject(refused);
    expect(await store.stat(REPOSITORY_FILE)).toBeUndefined();
  });

  test('is refused when its record is damaged, with a word on what to do', async () => {
    await openOrCreate();
    const text = await recordText();
    const broken = [
      '',
      '[]',
      text.slice(0, -10),
      text.replace('larder-repository', 'other'),
      text.replace('"created"', '"made"'),
      text.replace(/"formatVersion": \d+/, '"formatVersion": 0'),
      text.replace('"none"', '"rot13"'),
      text.padEnd(2 * 1024 * 1024),
    ];
    for (const other of broken) {
      await store.replace(REPOSITORY_FILE, Buffer.from(other));
      const refused = { code: 'REPOSITORY_DAMAGED', hint: expect.stringContaining('from a copy') };
      await expect(openRepository(store, location)).rejects.toMatchObject(refused);
      await expect(openOrCreate()).rejects.toMatchObject(refused);
      expect(await recordOrNothing()).toBe(other);
    }
  });

  test('is refused when a later release made it', async () => {
    await openOrCreate();
    const text = (await recordText()).replace(
      /"formatVersion": \d+/,
      `"formatVersion": ${FORMAT_VERSION + 1}`,
    );
    await store.replace(REPOSITORY_FILE, Buffer.from(text.replace('"keySlots"', '"keys"')));
    await expect(openRepository(store, location)).rejects.toMatchObject({
      code: 'REPOSITORY_NEWER_FORMAT',
      message: `memory has format ${FORMAT_VERSION + 1}; this release reads up to ${FORMAT_VERSION}`,
    });
  });

  test('to write is refused for the server of another lineage', async () => {
    const repository = await openOrCreate();
    const others = [
      { ...lineage, major: 18 },
      { ...lineage, systemIdentifier: '7381902837465019284' },
    ];
    for (const other of others) {
      const opened = openOrCreateRepository(store, location, { lineage: other, clock });
      await expect(opened).rejects.toMatchObject({
        code: 'REPOSITORY_OTHER_CLUSTER',
        message: expect.stringContaining('PostgreSQL 17, system 7381902837465019283'),
      });
      expect(() => assertLineage(repository, other)).toThrow(`PostgreSQL ${String(other.major)}`);
    }
    expect(() => assertLineage(repository, { ...lineage })).not.toThrow();
  });
});

async function recordOrNothing(): Promise<string> {
  return Buffer.from(await store.get(REPOSITORY_FILE, 4 * 1024 * 1024)).toString();
}
