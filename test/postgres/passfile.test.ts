import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { findPassword, passwordFromFile } from '../../src/postgres/passfile.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';

const question = { host: 'db', port: 5432, user: 'larder' };

describe('a password file', () => {
  test('gives the password of the first line that fits', () => {
    const text = '# host:port:db:user:password\nother:*:*:*:no\ndb:5432:truck:larder:yes\n*:*:*:*:later\n';
    expect(findPassword(text, question, 'truck')).toBe('yes');
    expect(findPassword(text, question, 'car')).toBe('later');
    expect(findPassword('db:5433:*:*:x', question, 'truck')).toBeUndefined();
  });

  test('takes an escaped star, colon and backslash as they are', () => {
    expect(findPassword(String.raw`\*:*:*:*:no`, question, 'd')).toBeUndefined();
    expect(findPassword(String.raw`*:*:a\:b:*:p\:w\\`, question, 'a:b')).toBe(String.raw`p:w\ `.trim());
  });

  test('means the default socket directory by localhost', () => {
    const socket = { ...question, host: '/var/run/postgresql' };
    expect(findPassword('localhost:*:*:*:x', socket, 'd')).toBe('x');
    expect(findPassword('localhost:*:*:*:x', { ...question, host: '/elsewhere' }, 'd')).toBeUndefined();
  });

  test('skips lines with too few fields', () => {
    expect(findPassword('db:5432:x\n*:*:*:*:good', question, 'd')).toBe('good');
  });

  test('finds whatever was written with escapes', () => {
    const field = fc.string({ minLength: 1 }).filter((text) => !/[\r\n\0]/.test(text));
    const escape = (text: string) => text.replaceAll(/[\\:*]/g, String.raw`\$&`);
    fc.assert(
      fc.property(field, field, field, (database, user, password) => {
        const line = ['h#', 1, ...[database, user, password].map(escape)].join(':');
        expect(findPassword(line, { host: 'h#', port: 1, user }, database)).toBe(password);
      }),
    );
  });
});

describe('a password file on disk', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-passfile-'));
    path = join(directory, 'pgpass');
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('that is not there has no password', async () => {
    expect(await passwordFromFile(path, { ...question, databases: ['d'] })).toBeUndefined();
  });

  test('that others may read is refused with the command that mends it', async () => {
    await writeFile(path, '*:*:*:*:x', { mode: 0o600 });
    await chmod(path, 0o640);
    await expect(passwordFromFile(path, { ...question, databases: ['d'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: `chmod 600 ${path}`,
    });
  });

  test('is read anew at each login, and its replication line comes first for replication', async () => {
    const settings = parseConnection('postgresql://larder@db/truck', { PGPASSFILE: path });
    const ask = (replication: boolean) =>
      settings.password({ address: { host: 'db', port: 5432 }, replication });
    await writeFile(path, '*:*:truck:*:plain\n', { mode: 0o600 });
    expect(await ask(true)).toBe('plain');
    await writeFile(path, '*:*:truck:*:plain\n*:*:replication:*:walsender\n');
    expect(await ask(true)).toBe('walsender');
    expect(await ask(false)).toBe('plain');
  });
});
