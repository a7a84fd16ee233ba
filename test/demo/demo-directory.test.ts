import { describe, expect, test } from '@jest/globals';
import { assessDirectory } from '../../src/demo/demo-directory.ts';

describe('the directory of the demonstration cluster', () => {
  const marked = ['larder-demo-cluster', 'data'];

  test.each([
    ['empty', [], false],
    ['foreign', ['data', 'complete'], false],
    ['foreign', ['data', 'opened-by.json'], true],
    ['open', [...marked, 'complete'], true],
    ['open', marked, true],
    ['half-made', marked, false],
    ['complete', [...marked, 'complete'], false],
  ])('is %s with %j in it (open: %s)', (state, entries, isOpen) => {
    expect(assessDirectory({ entries, isOpen })).toBe(state);
  });
});
