import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { posix } from 'node:path';
import { archivePrefix, sourcePath } from '../../../src/backup/sources/source-path.ts';
import { pathFromBytes, pathToBytes } from '../../../src/postgres/path-bytes.ts';
import { isEntryPath } from '../../../src/repository/manifest/entry-path.ts';
import { pathBytes } from '../../support/arbitrary-paths.ts';

describe('a path from the server', () => {
  test('is kept, below its tablespace', () => {
    fc.assert(
      fc.property(pathBytes.map(pathFromBytes), (name) => {
        expect(sourcePath('', name)).toBe(name);
        expect(sourcePath('', `./${name}`)).toBe(name);
        expect(sourcePath('pg_tblspc/16384', name)).toBe(`pg_tblspc/16384/${name}`);
      }),
    );
    expect(sourcePath('', './pg_wal/archive_status')).toBe('pg_wal/archive_status');
  });

  test('is nothing for the root of an archive', () => {
    for (const name of ['', '.', './', './.']) expect(sourcePath('', name)).toBeUndefined();
  });

  test('is refused when it leads out of the data directory', () => {
    const nasty = fc
      .array(fc.constantFrom('a', '.', '..', '/', './', '../', '\0', '//'), { maxLength: 8 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string()), (name) => {
        let path: string | undefined;
        try {
          path = sourcePath('', name);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
        }
        if (path === undefined) return;
        expect(isEntryPath(path)).toBe(true);
        const bytes = pathToBytes(path).toString('latin1');
        expect(posix.join('/target', bytes)).toBe(`/target/${bytes}`);
      }),
      { numRuns: 2000 },
    );
    for (const name of ['../x', '/etc/passwd', './/etc/passwd', 'a/../../b', './../x'])
      expect(() => sourcePath('', name)).toThrow(`the server sent a file with the unsafe name "${name}"`);
  });
});

describe('the name of an archive', () => {
  test('tells where its entries belong', () => {
    expect(archivePrefix('base.tar')).toBe('');
    expect(archivePrefix('16384.tar')).toBe('pg_tblspc/16384');
  });

  test('is refused when it is any other', () => {
    for (const name of [
      '',
      'base',
      'base.tar.gz',
      '../1.tar',
      '1/../2.tar',
      '-1.tar',
      '16384.tar\n',
      '1e3.tar',
    ])
      expect(() => archivePrefix(name)).toThrow(expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }));
  });
});
