import { execFile } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isRoot, mountTest } from '../support/able-to.ts';
import { LarderError } from '../../src/errors.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { describeObjectStore } from './object-store-contract.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const SOME = Buffer.from('some bytes');

function storeIn(directory: string): ObjectStore {
  return openStore({ kind: 'filesystem', directory });
}

describeObjectStore('filesystem', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'larder-store-'));
  return {
    store: storeIn(join(directory, 'parent', 'repository')),
    close: () => rm(directory, { recursive: true }),
  };
});

describe('a filesystem store', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-store-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  test('makes its root at the first write, not before', async () => {
    const store = storeIn(join(directory, 'new', 'root'));
    expect(await store.stat('one')).toBeUndefined();
    expect((await store.capacity())?.total).toBeGreaterThan(0);
    await store.delete('one');
    expect(await readdir(directory)).toEqual([]);
    await store.putIfAbsent('one', Buffer.from('x'));
    expect(await readFile(join(directory, 'new', 'root', 'one'), 'utf8')).toBe('x');
  });

  test('never makes its root anew: one that has gone is a volume that is away', async () => {
    const root = join(directory, 'root');
    const store = storeIn(root);
    await store.putIfAbsent('a/one', SOME);
    await rename(root, join(directory, 'away'));
    for (const name of ['a/two', 'b/three', 'four']) {
      await expect(store.putIfAbsent(name, SOME)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
    }
    expect(await readdir(directory)).toEqual(['away']);
    await rename(join(directory, 'away'), root);
    await store.putIfAbsent('b/three', SOME);
  });

  test('keeps directories and files to its own user', async () => {
    const root = join(directory, 'new', 'root');
    const store = storeIn(root);
    await store.putIfAbsent('a/b', Buffer.from('x'));
    await store.replace('a/c', Buffer.from('x'));
    const modes = await Promise.all(
      ['..', '.', '.tmp', 'a', 'a/b', 'a/c'].map(async (path) =>
        ((await stat(join(root, path))).mode & 0o777).toString(8),
      ),
    );
    expect(modes).toEqual(['700', '700', '700', '700', '600', '600']);
  });

  test('leaves no temporary file behind, whether an object was stored or refused', async () => {
    const store = storeIn(directory);
    await store.putIfAbsent('one', Buffer.from('x'));
    await expect(store.putIfAbsent('one', Buffer.from('x'))).rejects.toThrow('one is already in');
    await store.replace('one', Buffer.from('y'));
    expect(await readdir(join(directory, '.tmp'))).toEqual([]);
  });

  test('removes directories that became empty, never the root', async () => {
    const store = storeIn(directory);
    await store.putIfAbsent('a/b/c/one', Buffer.from('x'));
    await store.putIfAbsent('a/two', Buffer.from('x'));
    await store.delete('a/b/c/one');
    expect(await readdir(join(directory, 'a'))).toEqual(['two']);
    await store.delete('a/two');
    expect(await readdir(directory)).toEqual(['.tmp']);
  });

  test('passes over what cannot be an object', async () => {
    const store = storeIn(directory);
    await mkdir(join(directory, 'lost+found'), { mode: 0 });
    await writeFile(join(directory, '.hidden'), 'x');
    await symlink('/etc/hostname', join(directory, 'link'));
    await store.putIfAbsent('one', Buffer.from('x'));
    const names: string[] = [];
    for await (const { name } of store.list('')) names.push(name);
    expect(names).toEqual(['one']);
    expect(await store.stat('link')).toBeUndefined();
    await expect(store.get('link', 100)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  test('stores a small object although a sweep takes its unfinished file', async () => {
    const [writing, sweeping] = [storeIn(directory), storeIn(directory)];
    for (let round = 0; round < 20; round++) {
      let stored = false;
      const sweep = async (): Promise<void> => {
        while (!stored && (await sweeping.sweepUnfinished()) === 0);
      };
      const store =
        round % 2 === 0 ? writing.putIfAbsent(`a/${round}`, SOME) : writing.replace(`a/${round}`, SOME);
      await Promise.all([store.finally(() => (stored = true)), sweep()]);
    }
    expect(await readdir(join(directory, 'a'))).toHaveLength(20);
  });

  test('says that a place below a regular file is not writable, and cannot be read', async () => {
    await writeFile(join(directory, 'file'), 'x');
    const store = storeIn(join(directory, 'file', 'repository'));
    await expect(store.putIfAbsent('one', Buffer.from('x'))).rejects.toMatchObject({
      code: 'REPOSITORY_NOT_WRITABLE',
      retryable: false,
    });
    await expect(store.create('one')).rejects.toMatchObject({ code: 'REPOSITORY_NOT_WRITABLE' });
    await expect(store.get('one', 1)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
    await expect(store.stat('one')).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
    await expect(listNames(store)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  (isRoot ? test.skip : test)('says that a directory of another user is not writable', async () => {
    // root may write anywhere; the read-only mount below stands in for it
    await chmod(directory, 0o500);
    const refused = storeIn(directory).putIfAbsent('one', Buffer.from('x'));
    await expect(refused).rejects.toMatchObject({ code: 'REPOSITORY_NOT_WRITABLE' });
    await chmod(directory, 0o700);
  });
});

describe('a filesystem store on a small filesystem of its own', () => {
  let directory: string;
  let mounted = false;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-mount-'));
    mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'larder-test', directory]).then(
      () => true,
      () => false,
    );
  });

  afterEach(async () => {
    if (mounted) await run('umount', [directory]);
    await rmdir(directory).catch(() => rm(directory, { recursive: true }));
  });

  mountTest('says when it is full, leaves nothing, and goes on once there is room', async () => {
    const store = storeIn(join(directory, 'repository'));
    await store.putIfAbsent('first', Buffer.alloc(MIB));
    const failure = await failureOf(store.putIfAbsent('second', Buffer.alloc(3 * MIB)));
    expect(failure).toMatchObject({ code: 'REPOSITORY_FULL', retryable: true });
    expect(failure.message).toContain(join(directory, 'repository'));
    expect(failure.message).toMatch(/ENOSPC: no space left on device, write; \d+ bytes are free there$/);
    expect(await listNames(store)).toEqual(['first']);
    expect(await store.sweepUnfinished()).toBe(0);
    await store.delete('first');
    await store.putIfAbsent('second', Buffer.alloc(MIB));
  });

  mountTest('answers every later call of a failed writer with its first error', async () => {
    const store = storeIn(directory);
    const writer = await store.create('one');
    const first = await failureOf(writer.append(Buffer.alloc(3 * MIB)));
    expect(await failureOf(writer.append(Buffer.alloc(1)))).toBe(first);
    expect(await failureOf(writer.commit())).toBe(first);
    await writer.abort();
    expect(await listNames(store)).toEqual([]);
    expect((await store.capacity())?.free).toBeGreaterThan(1.9 * MIB);
  });

  mountTest('says when it is mounted read-only, and still reads', async () => {
    const store = storeIn(directory);
    await store.putIfAbsent('one', Buffer.from('x'));
    await run('mount', ['-o', 'remount,ro', directory]);
    const refused = { code: 'REPOSITORY_NOT_WRITABLE' };
    await expect(store.putIfAbsent('two', Buffer.from('x'))).rejects.toMatchObject(refused);
    await expect(store.replace('one', Buffer.from('y'))).rejects.toMatchObject(refused);
    await expect(store.delete('one')).rejects.toMatchObject(refused);
    expect(Buffer.from(await store.get('one', 1)).toString()).toBe('x');
  });
});

async function failureOf(pending: Promise<unknown>): Promise<LarderError> {
  try {
    await pending;
  } catch (error) {
    if (error instanceof LarderError) return error;
    throw error;
  }
  throw new Error('no failure');
}

async function listNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list('')) names.push(name);
  return names.toSorted();
}
