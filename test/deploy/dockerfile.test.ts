import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const HEALTHCHECK = fileURLToPath(new URL('../../deploy/container/healthcheck.mjs', import.meta.url));
const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

/** The healthcheck's exit code and words, with this environment and no other. */
function check(env: Record<string, string>): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [HEALTHCHECK], { env }, (error, said) =>
      resolve({ code: error?.code ?? 0, said }),
    );
  });
}

test('the image runs as a numbered user, is asked whether it lives, and listens where nobody from outside reaches', () => {
  expect(last).toMatch(/^USER [1-9]\d*$/m);
  expect(last).toMatch(/^HEALTHCHECK .*\\\n {2}CMD \["node", ".*\/healthcheck\.mjs"\]$/m);
  expect(last).toMatch(/^ENTRYPOINT \["larder"\]$/m);
  expect(dockerfile).not.toMatch(/LARDER_HTTP_HOST|0\.0\.0\.0/);
});

test('it has the binaries of the major it is built for, and base images with a version', () => {
  expect(dockerfile).toContain('FROM postgres:${POSTGRES_MAJOR}-${DEBIAN} AS server');
  for (const [, image] of dockerfile.matchAll(/^FROM (\S+:\S+)/gm)) expect(image).not.toMatch(/latest/);
});

test('the healthcheck follows the answer of /health/live, also where the service listens everywhere', async () => {
  let status = 200;
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(status).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const LARDER_HTTP_PORT = String((server.address() as AddressInfo).port);
  expect(await check({ LARDER_HTTP_PORT })).toMatchObject({ code: 0 });
  expect(await check({ LARDER_HTTP_PORT, LARDER_HTTP_HOST: '0.0.0.0' })).toMatchObject({ code: 0 });
  status = 503;
  expect(await check({ LARDER_HTTP_PORT })).toMatchObject({ code: 1 });
  expect(new Set(asked)).toEqual(new Set(['/health/live']));
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  expect(await check({ LARDER_HTTP_PORT })).toEqual({
    code: 1,
    said: `no answer from 127.0.0.1:${LARDER_HTTP_PORT}: ECONNREFUSED\n`,
  });
});
