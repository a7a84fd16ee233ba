import { describe, expect, test } from '@jest/globals';
import { READ_BUFFER, SocketRouter } from '../../../src/postgres/replication/socket-router.ts';
import { socketPair } from '../../support/socket-pair.ts';
import { until } from '../../support/until.ts';

// a socket the router made reads into one buffer; any other, like that of a TLS connection, brings its own
describe.each([
  ['its own', true],
  ['another', false],
])('a router on %s socket', (_, own) => {
  test('gives bytes to pg, then to a reader, then to pg again, and loses none', async () => {
    const router = new SocketRouter();
    using pair = await socketPair(own ? router.createSocket() : undefined);
    const ofPg: Buffer[] = [];
    pair.client.on('data', (bytes) => ofPg.push(bytes));

    pair.server.write('one');
    await until(() => String(Buffer.concat(ofPg)) === 'one');
    let read = '';
    router.toReader(pair.client, (bytes) => (read += bytes.toString()));
    pair.server.write('two');
    await until(() => read === 'two');
    router.toPg();
    pair.server.write('three');
    await until(() => String(Buffer.concat(ofPg)) === 'onethree');
    router.toReader(pair.client, (bytes) => (read += bytes.toString()));
    pair.server.write('four');
    await until(() => read === 'twofour');
    // what pg was given is its own to keep
    expect(String(Buffer.concat(ofPg))).toBe('onethree');
    expect(pair.client.listenerCount('data')).toBe(1);
  });
});

test('a router reads bulk data into one buffer, again and again', async () => {
  const router = new SocketRouter();
  using pair = await socketPair(router.createSocket());
  pair.client.on('data', () => undefined);
  const buffers = new Set<ArrayBufferLike>();
  let bytes = 0;
  router.toReader(pair.client, (piece) => {
    buffers.add(piece.buffer);
    expect(piece.length).toBeLessThanOrEqual(READ_BUFFER);
    bytes += piece.length;
  });
  pair.server.write(Buffer.alloc(4 * 1024 * 1024));
  await until(() => bytes === 4 * 1024 * 1024);
  expect(buffers.size).toBe(1);
});
