import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { firstFreePort } from '../../src/http/free-port.ts';

test('a port that is taken makes way for a later one, and a free one is taken as it is', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  expect(await firstFreePort('127.0.0.1', port)).toBeGreaterThan(port);
  other.close();
  await once(other, 'close');
  expect(await firstFreePort('127.0.0.1', port)).toBe(port);
});
