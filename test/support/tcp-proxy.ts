import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * What happens to a connection once the server has sent `afterBytes` on it: `hold` stops reading from the server until
 * `release`; `close` ends it in order, `reset` with a TCP reset; `silence` keeps it open towards both sides, takes
 * everything and passes nothing on, as a firewall that forgot the connection.
 */
export type Fault = 'hold' | 'close' | 'reset' | 'silence';

export interface ProxyOptions {
  /** A unix socket's path, or a port of 127.0.0.1. */
  target: string | number;
  fault: Fault;
  afterBytes: number;
}

/** Stands between a client and a server, on a port of 127.0.0.1. */
export interface TcpProxy {
  port: number;
  /** Resolves when the fault has struck for the first time. */
  struck: Promise<void>;
  /** Ends the fault: what was held flows on, new connections are passed through whole. */
  release(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startProxy(options: ProxyOptions): Promise<TcpProxy> {
  const struck = Promise.withResolvers<undefined>();
  const sockets = new Set<Socket>();
  const held = new Set<Socket>();
  let faulty = true;
  const strike = (server: Socket, client: Socket) => {
    struck.resolve(undefined);
    if (options.fault === 'hold') held.add(server.pause());
    else if (options.fault === 'close') client.end(() => server.destroy());
    else if (options.fault === 'reset') {
      client.resetAndDestroy();
      server.destroy();
    }
  };
  const listener = createServer((client) => {
    const { target } = options;
    const server = typeof target === 'string' ? connect(target) : connect(target, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    let sent = 0;
    const isStruck = () => faulty && sent >= options.afterBytes;
    server.on('data', (bytes) => {
      const silent = options.fault === 'silence' && isStruck();
      const before = isStruck();
      sent += bytes.length;
      if (!silent && !client.write(bytes) && !held.has(server)) server.pause();
      if (!before && isStruck()) strike(server, client);
    });
    client.on('drain', () => {
      if (!held.has(server)) server.resume();
    });
    client.on('data', (bytes) => {
      if (!(options.fault === 'silence' && isStruck())) server.write(bytes);
    });
    const mayEnd = () => !(options.fault === 'silence' && isStruck());
    client.on('close', () => mayEnd() && server.destroy());
    server.on('end', () => mayEnd() && client.end());
    server.on('close', () => mayEnd() && client.end());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    struck: struck.promise,
    release: () => {
      faulty = false;
      for (const server of held) server.resume();
      held.clear();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
