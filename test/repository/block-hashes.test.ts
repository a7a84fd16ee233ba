import { expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { HASH_LENGTH, hashUnits, UNIT } from '../../src/repository/block-hashes.ts';

test('a hash is the first 64 bits of the SHA-256 of a unit, the last of which may be shorter', () => {
  const bytes = randomBytes(3 * UNIT + 100);
  const expected = [0, 1, 2, 3].map((unit) =>
    createHash('sha256')
      .update(bytes.subarray(unit * UNIT, (unit + 1) * UNIT))
      .digest()
      .subarray(0, HASH_LENGTH),
  );
  expect(hashUnits(bytes).equals(Buffer.concat(expected))).toBe(true);
});
