import { expect, test } from '@jest/globals';
import { isHostAllowed, isFromHere } from '../../src/http/host-allowlist.ts';

test.each(['localhost', 'LOCALHOST:9847', '127.0.0.1', '127.0.0.1:9847', '[::1]:9847', '127.1'])(
  'a loopback server answers to %s',
  (header) => {
    for (const bound of ['127.0.0.1', '::1', 'localhost']) expect(isHostAllowed(bound, header)).toBe(true);
  },
);

test.each([
  undefined,
  '',
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example:9847',
  'evil@',
  '[::2]',
])('a loopback server does not answer to %s', (header) => {
  expect(isHostAllowed('127.0.0.1', header)).toBe(false);
});

test('a server bound elsewhere answers to any name', () => {
  expect(isHostAllowed('0.0.0.0', 'backup.internal')).toBe(true);
});

test.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['10.0.0.5', '10.0.0.5', true],
  ['10.0.0.6', '10.0.0.5', false],
  ['::ffff:10.0.0.6', '::ffff:127.0.0.1', false],
  [undefined, undefined, false],
])('a connection from %s to %s stays on this machine: %s', (remote, local, expected) => {
  expect(isFromHere(remote, local)).toBe(expected);
});
