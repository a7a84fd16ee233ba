import { describe, expect, test } from '@jest/globals';
import { chooseOwner } from '../../src/cli/restore-owner.ts';

const passwd = [
  'root:x:0:0::/root:/bin/sh',
  'postgres:x:101:104::/var/lib/postgresql:/bin/sh',
  'ada:x:1000:1000::/home/ada:/bin/sh',
].join('\n');
const nothing = { wanted: undefined, passwd, directory: undefined };

describe('restored by root, files belong to', () => {
  test('the account that was named', () => {
    expect(chooseOwner({ ...nothing, uid: 0, wanted: 'ada' })).toEqual({ name: 'ada', uid: 1000, gid: 1000 });
  });

  test('else the owner of the directory that is there', () => {
    const directory = { uid: 101, gid: 7 };
    expect(chooseOwner({ ...nothing, uid: 0, directory })).toEqual({ name: 'postgres', uid: 101, gid: 7 });
    expect(chooseOwner({ ...nothing, uid: 0, directory: { uid: 70, gid: 70 } })?.name).toBe('70');
  });

  test('else postgres, also where root made the directory', () => {
    expect(chooseOwner({ ...nothing, uid: 0 })?.name).toBe('postgres');
    expect(chooseOwner({ ...nothing, uid: 0, directory: { uid: 0, gid: 0 } })?.name).toBe('postgres');
  });

  test('and never to root, since PostgreSQL does not run as root', () => {
    expect(() => chooseOwner({ ...nothing, uid: 0, passwd: '' })).toThrow('would belong to root');
    expect(() => chooseOwner({ ...nothing, uid: 0, wanted: 'root' })).toThrow('does not run as root');
    expect(() => chooseOwner({ ...nothing, uid: 0, wanted: 'nobody-here' })).toThrow('no such account');
  });
});

describe('restored by anybody else, files', () => {
  test('are their own, also when they name themselves', () => {
    expect(chooseOwner({ ...nothing, uid: 1000 })).toBeUndefined();
    expect(chooseOwner({ ...nothing, uid: 1000, wanted: 'ada' })).toBeUndefined();
  });

  test('cannot be given away', () => {
    expect(() => chooseOwner({ ...nothing, uid: 1000, wanted: 'postgres' })).toThrow('only root');
  });
});
