import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changedUnits } from '../../../src/backup/intake/changed-units.ts';
import { hashUnits, UNIT, unitsOf } from '../../../src/repository/block-hashes.ts';

test('a unit counts as changed when its bytes, its length or its place is not as it was', () => {
  const content = fc
    .tuple(fc.array(fc.nat(2), { maxLength: 6 }), fc.nat(UNIT - 1))
    .map(([fills, rest]) =>
      Buffer.concat([...fills.map((fill) => Buffer.alloc(UNIT, fill)), Buffer.alloc(rest, 9)]),
    );
  fc.assert(
    fc.property(content, fc.option(content, { nil: undefined }), (now, before) => {
      const changed = new Set(
        changedUnits(hashUnits(now), before === undefined ? undefined : hashUnits(before)).flatMap(
          ([first, count]) => Array.from({ length: count }, (_, i) => first + i),
        ),
      );
      for (let unit = 0; unit < unitsOf(now.length); unit++) {
        const at = (bytes: Buffer): Buffer => bytes.subarray(unit * UNIT, (unit + 1) * UNIT);
        const same = before !== undefined && at(before).length > 0 && at(now).equals(at(before));
        expect(changed.has(unit)).toBe(!same);
      }
    }),
  );
});
