import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { HealthView } from '../../src/http/routes/health.ts';
import { HttpServer } from '../../src/http/server.ts';

let view: HealthView & { readonly reasons: string[] };
let metrics: () => Promise<string>;
let failures: unknown[];
let server: HttpServer;

beforeEach(async () => {
  view = { status: 'ok', service: 'running', live: true, objectivesMet: true, reasons: [] };
  metrics = () => Promise.resolve('larder_build_info 1\n');
  failures = [];
  server = newServer(0);
  await server.start();
});
afterEach(() => server.stop());

function newServer(port: number, host = '127.0.0.1') {
  return new HttpServer({
    host,
    port,
    health: () => view,
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: () => metrics() },
    requestFailed: (error) => failures.push(error),
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

async function ask(
  path: string,
  options: { method?: string; host?: string; body?: string } = {},
): Promise<Answer> {
  const headers = {
    host: options.host ?? `127.0.0.1:${server.port}`,
    'content-type': 'application/json',
    'content-length': options.body?.length ?? 0,
  };
  const sent = request({ port: server.port, path, method: options.method ?? 'GET', headers, agent: false });
  sent.end(options.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}
const statuses = async () => {
  const paths = ['/health', '/health/live', '/health/ready', '/health/backup'];
  return Promise.all(paths.map(async (path) => (await ask(path)).status));
};

describe('health', () => {
  test('is the whole verdict as JSON', async () => {
    const answer = await ask('/health');
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(JSON.parse(answer.body)).toEqual(view);
  });

  test('of a service that does all it should is 200 everywhere', async () => {
    expect(await statuses()).toEqual([200, 200, 200, 200]);
  });

  test('with a broken objective stays 200 except where backups are asked for: a restart would not help', async () => {
    view = { ...view, status: 'failing', objectivesMet: false };
    expect(await statuses()).toEqual([200, 200, 200, 503]);
    expect((await ask('/health/backup')).body).toBe('{"status":"failing"}');
  });

  test('of a service that stops sends traffic elsewhere but does not ask for a restart', async () => {
    view = { ...view, service: 'stopping' };
    expect(await statuses()).toEqual([503, 200, 503, 200]);
  });

  test('of a scheduler that stands still asks for a restart', async () => {
    view = { ...view, status: 'failing', live: false };
    expect(await statuses()).toEqual([503, 503, 503, 200]);
  });
});

test('metrics are the exposition as it is', async () => {
  const answer = await ask('/metrics');
  expect(answer).toMatchObject({ status: 200, body: 'larder_build_info 1\n' });
  expect(answer.headers['content-type']).toContain('version=0.0.4');
});

describe('what is refused', () => {
  test('is refused tersely, repeating nothing that was sent', async () => {
    expect(await ask('/<script>?x=secret')).toMatchObject({ status: 404, body: '{"error":"not found"}' });
    expect(await ask('/%E0%A4%A')).toMatchObject({ status: 400, body: '{"error":"bad request"}' });
    expect((await ask(`/${'a'.repeat(5000)}`)).body).toBe('{"error":"not found"}');
  });

  test('is any other method, also with a body of any kind', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await ask('/health?x', { method, body: '{not JSON' });
      expect(answer).toMatchObject({
        status: 405,
        body: '{"error":"method not allowed"}',
        headers: { allow: 'GET, HEAD' },
      });
      expect((await ask('/nowhere', { method })).status).toBe(404);
    }
    expect(await ask('/health', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test('is a foreign host name on a loopback address', async () => {
    expect(await ask('/metrics', { host: 'rebound.evil.example' })).toMatchObject({
      status: 421,
      body: '{"error":"this host name is not served here"}',
    });
    expect((await ask('/metrics', { host: `localhost:${server.port}` })).status).toBe(200);
  });

  test('is a request that is not HTTP, and the server lives on', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.end('\u0000\u0001 secret\r\n\r\n');
    expect(await text(socket)).not.toContain('secret');
    expect((await ask('/health')).status).toBe(200);
  });
});

test('a fault of ours is told to us, not to the client', async () => {
  const error = new Error('password=hunter2');
  metrics = () => Promise.reject(error);
  expect(await ask('/metrics')).toMatchObject({ status: 500, body: '{"error":"internal error"}' });
  expect(failures).toEqual([error]);
});

describe('the socket', () => {
  test('that is taken is named, with what to do', async () => {
    const port = server.port;
    await expect(newServer(port).start()).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: `cannot listen on 127.0.0.1 port ${port}: another process does`,
    });
  });

  test('on an address that is not ours is a fault of the configuration', async () => {
    await expect(newServer(0, '192.0.2.1').start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('is gone after stop, with the connections that clients keep open', async () => {
    const other = newServer(0);
    await other.start();
    const idle = connect(other.port, '127.0.0.1');
    await once(idle, 'connect');
    const begun = connect(other.port, '127.0.0.1');
    begun.write('GET /health HTTP/1.1\r\nHost: localhost\r\n');
    await once(begun, 'connect');
    const closed = Promise.all([idle, begun].map(closedByPeer));
    await other.stop();
    await closed;
  });
});

/** Resolves when the connection is gone, politely or by a reset. */
function closedByPeer(socket: Socket): Promise<unknown> {
  socket.on('error', () => undefined).resume();
  return new Promise((resolve) => socket.once('close', resolve));
}
