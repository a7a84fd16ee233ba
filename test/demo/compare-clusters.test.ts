import { expect, test } from '@jest/globals';
import { differences } from '../../src/demo/compare-clusters.ts';

test('equal clusters have no differences; each difference is a sentence that names the thing', () => {
  const original = {
    same: { rows: 1, hash: '1' },
    lost: { rows: 1, hash: '1' },
    fewer: { rows: 2, hash: '1' },
    other: { rows: 1, hash: '1' },
  };
  expect(differences(original, { ...original })).toEqual([]);
  const copy = {
    same: { rows: 1, hash: '1' },
    extra: { rows: 1, hash: '1' },
    fewer: { rows: 1, hash: '1' },
    other: { rows: 1, hash: '2' },
  };
  expect(differences(original, copy)).toEqual([
    'extra is only in the copy',
    'fewer has 1 rows in the copy instead of 2',
    'lost is missing in the copy',
    'other has other contents in the copy',
  ]);
});
