import { expect, test } from '@jest/globals';
import { didYouMean, nearestKey } from '../src/nearest-key.ts';

test('a slip finds the name it was meant to be, whatever its case', () => {
  expect(nearestKey('prot', ['host', 'port'])).toBe('port');
  expect(nearestKey('larder_http_prot', ['LARDER_HTTP_PORT', 'LARDER_HTTP_HOST'])).toBe('LARDER_HTTP_PORT');
  expect(didYouMean('prot', ['host', 'port'])).toBe(' (did you mean "port"?)');
});

test('a name that resembles none is not guessed at', () => {
  expect(nearestKey('zebra', ['host', 'port'])).toBeUndefined();
  expect(didYouMean('x', [])).toBe('');
});
