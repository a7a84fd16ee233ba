import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface SocketPair extends Disposable {
  readonly server: Socket;
  readonly client: Socket;
}

/** Two ends of one TCP connection on this machine; `client` may be a socket made elsewhere. */
export async function socketPair(client?: Socket): Promise<SocketPair> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const connected = client?.connect(address.port, '127.0.0.1') ?? connect(address.port, '127.0.0.1');
  const [[server]] = (await Promise.all([once(listener, 'connection'), once(connected, 'connect')])) as [
    [Socket],
    unknown,
  ];
  listener.close();
  server.on('error', () => undefined);
  const dispose = (): void => {
    server.destroy();
    connected.destroy();
  };
  return { server, client: connected, [Symbol.dispose]: dispose };
}
