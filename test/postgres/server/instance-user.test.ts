import { describe, expect, test } from '@jest/globals';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canEnter, canReach, findAccount, isPermitted } from '../../../src/postgres/server/instance-user.ts';

const user = { name: 'postgres', uid: 101, gid: 104 };

describe('the account of an instance', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n';

  test('is found by its name alone', () => {
    expect(findAccount(passwd, 'postgres')).toEqual(user);
    expect(findAccount(passwd, 'post')).toBeUndefined();
  });

  test('is never root, nor one of a broken line', () => {
    expect(findAccount('postgres:x:0:0::/:/bin/sh', 'postgres')).toBeUndefined();
    expect(findAccount('postgres:x', 'postgres')).toBeUndefined();
    expect(findAccount('', 'postgres')).toBeUndefined();
  });
});

describe('permission', () => {
  test.each([
    ['the owner by the first digit', { uid: 101, gid: 0, mode: 0o500 }, true],
    ['the owner, even where others may more', { uid: 101, gid: 0, mode: 0o077 }, false],
    ['the group by the second', { uid: 0, gid: 104, mode: 0o050 }, true],
    ['everybody else by the third', { uid: 0, gid: 0, mode: 0o005 }, true],
    ['nobody without both bits', { uid: 0, gid: 0, mode: 0o001 }, false],
  ])('is given to %s', (_, access, permitted) => {
    expect(isPermitted(access, user, 5)).toBe(permitted);
  });

  test('to reach a file ends at the first closed directory above it', async () => {
    const root = await mkdtemp(join(tmpdir(), 'larder-reach-'));
    // mkdtemp makes it 0700, which shuts everybody else out
    const file = join(root, 'open', 'file');
    const stranger = { name: 'stranger', uid: 4242, gid: 4242 };
    await mkdir(join(root, 'open'));
    await writeFile(file, '');
    await chmod(file, 0o755);
    expect(await canReach(file, stranger)).toBe(false);
    expect(await canReach(file, undefined)).toBe(true);
    await chmod(root, 0o711);
    expect(await canReach(file, stranger)).toBe(true);
    expect(await canEnter(root, stranger)).toBe(true);
    expect(await canReach(root, stranger)).toBe(false);
    await rm(root, { recursive: true });
  });
});
