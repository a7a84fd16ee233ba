import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { EXIT_CODES, exitCodesHelp } from '../../src/cli/exit-codes.ts';

test('every exit code an error can have is explained, and no other', async () => {
  const source = await readFile(new URL('../../src/errors.ts', import.meta.url), 'utf8');
  const used = new Set([...source.matchAll(/exit: (\d+),/g)].map((match) => Number(match[1])));
  expect(EXIT_CODES.map(([code]) => code)).toEqual([0, ...[...used].sort((a, b) => a - b)]);
});

test('the help has a line for each', () => {
  expect(exitCodesHelp().split('\n')).toHaveLength(EXIT_CODES.length + 1);
});
