import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { posix } from 'node:path';
import { assertObjectName, assertObjectPrefix, isObjectName } from '../../src/storage/object-name.ts';

const part = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/).filter((text) => !text.includes('..'));
const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));

describe('object names', () => {
  test('are parts of letters, digits, dots, dashes and underscores', () => {
    fc.assert(fc.property(name, (text) => isObjectName(text)));
  });

  test('never lead out of the directory they are joined to, nor to a dotfile', () => {
    const nasty = fc.array(fc.constantFrom('a', 'b1', '.', '..', '/', '\\', '\0', '%2e', '~', '-', 'ａ'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          nasty.map((pieces) => pieces.join('')),
          fc.string(),
        ),
        (text) => {
          if (!isObjectName(text)) return;
          expect(posix.join('/root', text)).toBe(`/root/${text}`);
          expect(text).not.toMatch(/(^|\/)[.-]|[^\x20-\x7e]/);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('have parts of at most 255 bytes and at most 1,000 in all', () => {
    const longest = 'a'.repeat(255);
    expect(isObjectName(longest)).toBe(true);
    expect(isObjectName(`${longest}a`)).toBe(false);
    expect(isObjectName([longest, longest, longest, 'a'.repeat(232)].join('/'))).toBe(true);
    expect(isObjectName([longest, longest, longest, 'a'.repeat(233)].join('/'))).toBe(false);
  });

  test('are refused with the name in the message, made printable', () => {
    expect(() => assertObjectName('a/../b\n')).toThrow('object name "a/../b\\n" is not allowed');
  });
});

describe('object prefixes', () => {
  test('are any beginning of a name', () => {
    fc.assert(
      fc.property(name, fc.nat(), (text, cut) => {
        const prefix = text.slice(0, cut % (text.length + 1));
        // a part cut after its first dot of two cannot come up: names have no two
        expect(() => assertObjectPrefix(prefix)).not.toThrow();
      }),
    );
  });

  test('cannot lead elsewhere', () => {
    for (const prefix of ['/', '..', '../', 'a//', 'a/.', '.tmp/']) {
      expect(() => assertObjectPrefix(prefix)).toThrow('object prefix');
    }
  });
});
