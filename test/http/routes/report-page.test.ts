import { afterEach, expect, test } from '@jest/globals';
import { LarderError } from '../../../src/errors.ts';
import { HttpServer } from '../../../src/http/server.ts';
import { newToken } from '../../../src/http/tokens.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let server: HttpServer | undefined;
afterEach(() => server?.stop());

const { token, sha256 } = newToken();

async function serve(
  host: string,
  tokens: { name: string; sha256: string; scopes: 'read'[] }[],
): Promise<string> {
  server = new HttpServer({
    host,
    port: 0,
    health: () => ({ status: 'ok', service: 'running', live: true, objectivesMet: true }),
    metrics: { contentType: 'text/plain', text: () => Promise.resolve('') },
    requestFailed: () => undefined,
    report: {
      page: (cluster) =>
        cluster === 'other'
          ? Promise.reject(new LarderError('CLUSTER_UNKNOWN', 'there is no cluster other'))
          : Promise.resolve(`<p>${cluster ?? 'only'}</p>`),
      policy: "default-src 'none'",
      tokens,
      clock: new FakeClock(),
    },
  });
  await server.start();
  return `http://127.0.0.1:${server.port}/`;
}

test('on a loopback address the page is open, and may do nothing but show itself', async () => {
  const url = await serve('127.0.0.1', []);
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([200, '<p>only</p>']);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'");
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(await (await fetch(`${url}?cluster=truck`)).text()).toBe('<p>truck</p>');
  expect((await fetch(`${url}?cluster=other`)).status).toBe(404);
  expect((await fetch(url, { method: 'POST' })).status).toBe(405);
});

test('elsewhere it is closed without a token, and opens for one as a password or a bearer', async () => {
  expect((await fetch(await serve('0.0.0.0', []))).status).toBe(403);
  await server?.stop();
  const url = await serve('0.0.0.0', [{ name: 'eye', sha256, scopes: ['read'] }]);
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const without = await fetch(url);
  expect([without.status, without.headers.get('www-authenticate')]).toEqual([
    401,
    'Basic realm="larder", charset="UTF-8"',
  ]);
  expect((await fetch(url, { headers: basic(`me:${token}`) })).status).toBe(200);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  const wrong = [];
  for (let count = 0; count < 21; count++) wrong.push((await fetch(url, { headers: basic('me:x') })).status);
  expect(wrong.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
  expect(wrong.at(-1)).toBe(429);
});
