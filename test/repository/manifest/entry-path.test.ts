import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { posix } from 'node:path';
import { pathFromBytes, pathToBytes } from '../../../src/postgres/path-bytes.ts';
import { assertEntryPath, isEntryPath } from '../../../src/repository/manifest/entry-path.ts';
import { pathBytes } from '../../support/arbitrary-paths.ts';

describe('the path of an entry', () => {
  test('is any relative path of plain parts, text or not', () => {
    fc.assert(fc.property(pathBytes, (bytes) => isEntryPath(pathFromBytes(bytes))));
    for (const path of ['base/5/16385_fsm', '...', '..a', 'a..', '~', 'a\\..\\b', 'a b\n'])
      expect(isEntryPath(path)).toBe(true);
  });

  test('never leads out of the directory it is joined to', () => {
    const pieces = fc.array(
      fc.constantFrom('a', '.', '..', '/', '//', '\\', '\0', '%2e', '\u{dcff}', '．', 'x'.repeat(250)),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((parts) => parts.join('')),
          fc.uint8Array({ maxLength: 12, max: 0x40 }).map(pathFromBytes),
        ),
        (path) => {
          if (!isEntryPath(path)) return;
          const bytes = pathToBytes(path).toString('latin1');
          expect(posix.join('/target', bytes)).toBe(`/target/${bytes}`);
          expect(bytes).not.toContain('\0');
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('is nothing empty, absolute or climbing, and has no part a file system would not take', () => {
    const refused = ['', '/', '/etc', 'a/', 'a//b', '.', '..', './a', 'a/..', '../a', 'a/../b', 'a\0b'];
    for (const path of [...refused, 'n'.repeat(256), `a/${'ü'.repeat(128)}`])
      expect(isEntryPath(path)).toBe(false);
    expect(isEntryPath('n'.repeat(255))).toBe(true);
    expect(() => assertEntryPath('a/../b\n', 'x/manifest')).toThrow(
      'x/manifest names a file that leads elsewhere: "a/../b\\n"',
    );
  });
});
