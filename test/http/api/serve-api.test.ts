import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  readRoutes,
  type ApiSource,
  type BackupView,
  type RunView,
} from '../../../src/http/api/read-routes.ts';
import { HttpServer } from '../../../src/http/server.ts';
import { newToken } from '../../../src/http/tokens.ts';
import { LarderError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/clock.ts';
import { commitRecord } from '../../support/commit-records.ts';

const reader = newToken();
const operator = newToken();
const tokens = [
  { name: 'reader', sha256: reader.sha256, scopes: ['read'] as const },
  { name: 'operator', sha256: operator.sha256, scopes: ['operate'] as const },
];
const backup: BackupView = { ...commitRecord('2026-11-22T12:00:00Z'), id: 'full_1', cluster: 'truck' };
const run: RunView = {
  id: 'run-1',
  cluster: 'truck',
  task: 'backup_full',
  reason: 'manual',
  started: '2026-11-22T12:00:00.000Z',
  ended: null,
  result: null,
  errorCode: null,
  errorMessage: null,
  hint: null,
  backupId: null,
  durationSeconds: null,
};

let server: HttpServer;
let failures: unknown[];
let backups: ApiSource['backups'];

async function serve(host: string, known: typeof tokens | []): Promise<void> {
  const source: ApiSource = {
    clusters: ['truck'],
    backups: (cluster) => backups(cluster),
    runs: () => Promise.resolve([run, { ...run, id: 'run-2' }]),
    status: () => ({ status: 'ok' }),
  };
  server = new HttpServer({
    host,
    port: 0,
    health: () => ({ status: 'ok', service: 'running', live: true, objectivesMet: true }),
    metrics: { contentType: 'text/plain', text: () => Promise.resolve('') },
    requestFailed: (error) => failures.push(error),
    api: { routes: readRoutes(source), tokens: known, version: '1.2.3', clock: systemClock },
  });
  await server.start();
}
beforeEach(() => {
  failures = [];
  backups = () => Promise.resolve([backup]);
});
afterEach(() => server.stop());

async function get(
  path: string,
  token?: string,
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

describe('the API on a loopback address', () => {
  test('can be read without a token', async () => {
    await serve('127.0.0.1', []);
    expect(await get('/backups')).toMatchObject({ status: 200, body: { backups: [{ id: 'full_1' }] } });
    expect((await get('/backups/full_1')).body).toMatchObject({ id: 'full_1', type: 'full' });
    expect((await get('/status')).body).toEqual({ status: 'ok' });
    expect((await get('/runs?limit=1')).body).toEqual({ runs: [{ ...run, id: 'run-2' }] });
    expect((await get('/runs/run-1')).body).toEqual(run);
  });

  test('shows of a backup what it describes, and nothing else', async () => {
    await serve('127.0.0.1', []);
    expect((await get('/backups/full_1')).body).not.toHaveProperty('objects');
  });

  test('refuses what it does not understand, in few words', async () => {
    await serve('127.0.0.1', []);
    expect(await get('/backups/..%2f..%2fetc')).toMatchObject({ status: 400 });
    expect(await get('/backups?clutser=truck')).toMatchObject({ status: 400 });
    expect(await get('/runs?limit=0')).toMatchObject({ status: 400 });
    expect(await get('/backups/none')).toMatchObject({
      status: 404,
      body: { error: 'there is no backup none', code: 'BACKUP_UNKNOWN' },
    });
    expect(await get('/backups?cluster=other')).toMatchObject({ status: 404 });
    expect(await get('/nothing')).toMatchObject({ status: 404 });
    expect(failures).toEqual([]);
  });

  test('says of faults only that there was one, and of a repository that is away what it is', async () => {
    await serve('127.0.0.1', []);
    backups = () => Promise.reject(new Error('secret'));
    expect(await get('/backups')).toMatchObject({ status: 500, body: { error: 'internal error' } });
    expect(failures).toHaveLength(1);
    backups = () =>
      Promise.reject(new LarderError('REPOSITORY_UNREACHABLE', 'it is away', { hint: 'mount it' }));
    expect(await get('/backups')).toMatchObject({
      status: 503,
      body: { error: 'it is away', code: 'REPOSITORY_UNREACHABLE', hint: 'mount it' },
    });
  });

  test('describes itself', async () => {
    await serve('127.0.0.1', []);
    const { body } = await get('/openapi.json');
    expect(body).toMatchObject({
      openapi: '3.1.0',
      info: { version: '1.2.3' },
      paths: {
        '/api/v1/backups/{id}': {
          get: {
            parameters: [{ name: 'id', in: 'path', required: true }],
            responses: { 200: { content: { 'application/json': { schema: { type: 'object' } } } } },
          },
        },
      },
    });
  });
});

describe('the API elsewhere', () => {
  test('is closed as long as no token is configured', async () => {
    await serve('0.0.0.0', []);
    expect((await get('/backups')).status).toBe(403);
    expect((await get('/backups', reader.token)).status).toBe(403);
  });

  test('needs a token that allows what is asked', async () => {
    await serve('0.0.0.0', tokens);
    expect(await get('/backups')).toMatchObject({ status: 401, body: { error: 'a valid token is needed' } });
    expect((await get('/backups')).headers.get('www-authenticate')).toContain('Bearer');
    expect((await get('/backups', `${reader.token}x`)).status).toBe(401);
    expect((await get('/backups', reader.token)).status).toBe(200);
    expect((await get('/backups', operator.token)).status).toBe(200);
  });

  test('answers nobody for a while who fails again and again', async () => {
    await serve('0.0.0.0', tokens);
    for (let i = 0; i < 20; i++) expect((await get('/backups', 'wrong')).status).toBe(401);
    expect((await get('/backups', 'wrong')).status).toBe(429);
  });
});
