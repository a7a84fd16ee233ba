import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { sendCancelRequest } from '../../../src/postgres/replication/cancel-request.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** What the next connection sends until its end. */
async function received(server: Server): Promise<Buffer> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  server.close();
  return Buffer.concat(pieces);
}

const request = Buffer.from([0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0x30, 0x39, 0xff, 0xff, 0xff, 0xfe]);

describe('a request to cancel', () => {
  test('goes to a unix socket', async () => {
    await using directory = await temporaryDirectory();
    const server = createServer().listen(join(directory.path, '.s.PGSQL.5433'));
    await once(server, 'listening');
    const sent = received(server);
    sendCancelRequest({ host: directory.path, port: 5433, processId: 12345, secretKey: -2 });
    expect(await sent).toEqual(request);
  });

  test('goes to a port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const sent = received(server);
    sendCancelRequest({ host: '127.0.0.1', port, processId: 12345, secretKey: -2 });
    expect(await sent).toEqual(request);
  });

  test('that reaches nobody changes nothing', async () => {
    await using directory = await temporaryDirectory();
    sendCancelRequest({ host: directory.path, port: 1, processId: 1, secretKey: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
});
