import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { apiRoutes, type ApiActions, type ApiSource } from '../../../src/http/api/api-routes.ts';
import type { BackupView } from '../../../src/http/api/backup-routes.ts';
import type { Caller } from '../../../src/http/api/route.ts';
import type { RunView } from '../../../src/http/api/run-routes.ts';
import { HttpServer } from '../../../src/http/server.ts';
import { newToken } from '../../../src/http/tokens.ts';
import { LarderError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/clock.ts';
import { commitRecord } from '../../support/commit-records.ts';

const reader = newToken();
const operator = newToken();
const local = newToken();
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
  requestedBy: null,
  waiting: false,
  slot: null,
  started: '2026-11-22T12:00:00.000Z',
  ended: null,
  result: null,
  errorCode: null,
  errorMessage: null,
  hint: null,
  backupId: null,
  coalescedInto: null,
  sourceBytes: null,
  storedBytes: null,
  warnings: [],
  remark: null,
  durationSeconds: null,
  attempts: [],
  phases: [],
};

let server: HttpServer;
let failures: unknown[];
let backups: ApiSource['backups'];
/** What was done, by whom. */
let acts: unknown[];
let start: ApiActions['start'];
const actions: ApiActions = {
  start: (request, caller) => start(request, caller),
  cancel: (id, caller) => acted(caller, { ...run, id }, 'cancel', id),
  pause: (choice, pause, caller) => acted(caller, [], 'pause', choice, pause),
  resume: (choice, caller) => acted(caller, ['verify'], 'resume', choice),
};
function acted<Result>(caller: Caller, result: Result, ...act: unknown[]): Promise<Result> {
  acts.push([caller.actor, ...act]);
  return Promise.resolve(result);
}

async function serve(host: string, known: typeof tokens | []): Promise<void> {
  const source: ApiSource = {
    clusters: ['truck'],
    backups: (cluster) => backups(cluster),
    retentionPlan: () => Promise.reject(new LarderError('REPOSITORY_MISSING', 'it is not there')),
    runs: () => Promise.resolve([run, { ...run, id: 'run-2' }]),
    schedules: () => Promise.resolve([{ cluster: 'truck', role: 'leader', blackoutUntil: null, tasks: [] }]),
    status: () => ({ status: 'ok' }),
  };
  server = new HttpServer({
    host,
    port: 0,
    health: () => ({ status: 'ok', service: 'running', live: true, objectivesMet: true }),
    metrics: { contentType: 'text/plain', text: () => Promise.resolve('') },
    requestFailed: (error) => failures.push(error),
    api: {
      routes: apiRoutes(source, actions),
      tokens: known,
      localToken: { name: 'local', sha256: local.sha256, scopes: ['operate'] },
      version: '1.2.3',
      clock: systemClock,
    },
  });
  await server.start();
}
beforeEach(() => {
  failures = [];
  acts = [];
  start = (request, caller) => acted(caller, { isNew: true, run }, 'start', request);
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

async function post(
  path: string,
  body: unknown,
  { token, headers = {} }: { token?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
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

describe('what changes something', () => {
  const until = '2026-11-27T06:00:00+01:00';
  const pause = { until, reason: 'moving the disks' };
  const everything = [
    ['/runs', { task: 'backup_full' }],
    ['/runs/run-1/cancel', {}],
    ['/pause', pause],
    ['/resume', {}],
  ] as const;

  test('is closed as long as no token is configured, also on a loopback address', async () => {
    await serve('127.0.0.1', []);
    for (const [path, body] of everything) {
      expect(await post(path, body)).toMatchObject({ status: 403 });
      expect(await post(path, body, { token: operator.token })).toMatchObject({ status: 403 });
    }
    expect(acts).toEqual([]);
  });

  test('needs a token that may operate', async () => {
    await serve('127.0.0.1', tokens);
    for (const [path, body] of everything) {
      expect(await post(path, body)).toMatchObject({ status: 401 });
      expect(await post(path, body, { token: reader.token })).toMatchObject({
        status: 403,
        body: { error: 'the token does not allow to operate' },
      });
    }
    expect(acts).toEqual([]);
  });

  test('is done in the name of the token', async () => {
    await serve('127.0.0.1', tokens);
    const { token } = operator;
    expect(await post('/runs', { task: 'verify', backup: 'full_1' }, { token })).toMatchObject({
      status: 202,
      body: { isNew: true, run: { id: 'run-1' } },
    });
    expect((await post('/runs/run-1/cancel', {}, { token })).status).toBe(202);
    expect((await post('/pause', { ...pause, tasks: ['verify'] }, { token })).status).toBe(200);
    expect(await post('/resume', { cluster: 'truck' }, { token })).toMatchObject({
      body: { resumed: ['verify'] },
    });
    expect(acts).toEqual([
      ['token:operator', 'start', { task: 'verify', cluster: undefined, backup: 'full_1' }],
      ['token:operator', 'cancel', 'run-1'],
      [
        'token:operator',
        'pause',
        { cluster: undefined, tasks: ['verify'] },
        { until: Date.parse(until), reason: 'moving the disks' },
      ],
      ['token:operator', 'resume', { cluster: 'truck', tasks: undefined }],
    ]);
  });

  test('tells whether a run is new, and why there is none', async () => {
    await serve('127.0.0.1', tokens);
    const { token } = operator;
    start = () => Promise.resolve({ isNew: false, run });
    expect(await post('/runs', { task: 'backup_full' }, { token })).toMatchObject({ status: 200 });
    start = () => Promise.reject(new LarderError('LEASE_HELD', 'another one leads'));
    expect(await post('/runs', { task: 'backup_full' }, { token })).toMatchObject({
      status: 409,
      body: { error: 'another one leads', code: 'LEASE_HELD' },
    });
  });

  test.each([
    ['/runs', { task: 'format_disk' }],
    ['/runs', { task: 'backup_full', backup: 'full_1' }],
    ['/runs', { task: 'retention', keep: 0 }],
    ['/runs', { task: 'verify', backup: '../../etc/passwd' }],
    ['/runs', '{"task":"verify","__proto__":{"a":1}}'],
    ['/runs', '{"task":'],
    ['/runs', '[]'],
    ['/pause', { reason: 'for ever' }],
    ['/pause', { until: 'tomorrow', reason: 'soon' }],
    ['/pause', { until }],
    ['/pause', { until, reason: ' ' }],
    ['/pause', { until, reason: 'red \u001b[31m' }],
    ['/pause', { ...pause, tasks: [] }],
    ['/resume', { tasks: ['everything'] }],
  ])('refuses %s %j', async (path, body) => {
    await serve('127.0.0.1', tokens);
    const answer = await post(path, body, { token: operator.token });
    expect(answer).toMatchObject({ status: 400, body: { error: expect.any(String) as unknown } });
    expect(JSON.stringify(answer.body)).not.toContain('passwd');
    expect([acts, failures]).toEqual([[], []]);
  });

  test('takes JSON and nothing else, of a size that makes sense, and by POST only', async () => {
    await serve('127.0.0.1', tokens);
    const { token } = operator;
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const headers = { 'content-type': type };
      expect(await post('/runs', { task: 'verify' }, { token, headers })).toEqual({
        status: 415,
        body: { error: 'the body must be application/json' },
      });
    }
    const large = { ...pause, reason: 'x'.repeat(70_000) };
    expect(await post('/pause', large, { token })).toEqual({
      status: 413,
      body: { error: 'the body is too large' },
    });
    expect(await get('/pause', token)).toMatchObject({ status: 405 });
    expect([acts, failures]).toEqual([[], []]);
  });

  test('can be asked for by commands of this machine without a configured token, in the name of their account', async () => {
    await serve('127.0.0.1', []);
    const { token } = local;
    await post('/resume', {}, { token, headers: { 'larder-user': 'kim' } });
    await post('/resume', {}, { token, headers: { 'larder-user': 'kim\u00ff' } });
    await post('/resume', {}, { token });
    expect(acts.map((act) => (act as unknown[])[0])).toEqual(['user:kim', 'token:local', 'token:local']);
  });

  test('cannot be done in the name of an account by others', async () => {
    await serve('127.0.0.1', tokens);
    await post('/resume', {}, { token: operator.token, headers: { 'larder-user': 'root' } });
    expect(acts).toEqual([['token:operator', 'resume', { cluster: undefined, tasks: undefined }]]);
  });

  test('is described, with its scope, its body and what its answers mean', async () => {
    await serve('127.0.0.1', []);
    const { paths } = (await get('/openapi.json')).body as { paths: Record<string, { post?: object }> };
    expect(paths['/api/v1/runs']?.post).toMatchObject({
      'x-scope': 'operate',
      requestBody: {
        content: {
          'application/json': { schema: { required: ['task'], additionalProperties: false } },
        },
      },
      responses: { 200: { description: expect.any(String) as unknown }, 202: {}, 409: {} },
    });
    expect(paths['/api/v1/runs/{id}/cancel']?.post).not.toHaveProperty('requestBody');
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/pause',
        '/api/v1/resume',
        '/api/v1/schedule',
        '/api/v1/retention/plan',
      ]),
    );
  });
});

test('a repository that is not there is told by the plan of retention', async () => {
  await serve('127.0.0.1', []);
  expect(await get('/retention/plan')).toMatchObject({ status: 503, body: { code: 'REPOSITORY_MISSING' } });
  expect(await get('/schedule')).toMatchObject({ status: 200, body: { schedules: [{ cluster: 'truck' }] } });
});
