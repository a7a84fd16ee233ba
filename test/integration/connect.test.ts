import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TLSSocket } from 'node:tls';
import { openClient } from '../../src/postgres/connect.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';
import type { TestServer } from '../support/postgres-server.ts';
import { startServer } from '../support/postgres-server.ts';

const run = promisify(execFile);
let server: TestServer;
let certificates: string;

beforeAll(async () => {
  server = await startServer({
    major: 18,
    tcp: true,
    settings: { max_wal_senders: '1', wal_level: 'replica' },
  });
  await server.query(
    `CREATE ROLE larder LOGIN REPLICATION PASSWORD 'pa55'; CREATE ROLE plain LOGIN PASSWORD 'pa55'`,
  );
  certificates = await mkdtemp(join(tmpdir(), 'larder-tls-'));
});
afterAll(async () => {
  await server.stop();
  await rm(certificates, { recursive: true });
});

function url(user: string, query = ''): string {
  return `postgresql://${user}:pa55@127.0.0.1:${server.port}/postgres${query}`;
}

async function failure(text: string, options: Parameters<typeof openClient>[1] = {}) {
  try {
    const client = await openClient(parseConnection(text, {}), options);
    await client.end();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('it connected');
}

async function ask(text: string, sql: string, options: Parameters<typeof openClient>[1] = {}) {
  const client = await openClient(parseConnection(text, {}), options);
  const { rows } = await client.query<Record<string, unknown>>(sql);
  const encrypted = client.connection.stream instanceof TLSSocket;
  await client.end();
  return { row: rows[0], encrypted };
}

describe('a server without TLS', () => {
  test('is reached through TCP and through its socket, with the application’s name', async () => {
    const name = `SELECT current_setting('application_name') AS name, current_setting('client_encoding') AS encoding`;
    expect((await ask(url('larder'), name)).row).toEqual({ name: 'larder', encoding: 'UTF8' });
    expect((await ask(server.connection, name)).row).toEqual({ name: 'larder', encoding: 'UTF8' });
  });

  test('speaks the replication protocol on request', async () => {
    const { row } = await ask(url('larder'), 'IDENTIFY_SYSTEM', { replication: true });
    expect(row).toHaveProperty('systemid');
  });

  test('is reached at the first host of a list that answers', async () => {
    const hosts = `127.0.0.1:1,127.0.0.1:${server.port}`;
    expect((await ask(`postgresql://larder:pa55@${hosts}/postgres`, 'SELECT 1 AS one')).row).toEqual({
      one: 1,
    });
  });

  test('uses the socket handed in', async () => {
    const sockets: Socket[] = [];
    const createSocket = () => {
      const socket = new Socket();
      sockets.push(socket);
      return socket;
    };
    await ask(url('larder'), 'SELECT 1', { createSocket });
    expect(sockets).toHaveLength(1);
  });

  test('refuses sslmode=require with a mend, while prefer falls back', async () => {
    expect(await failure(url('larder', '?sslmode=require'))).toMatchObject({
      code: 'SERVER_TLS',
      message: `127.0.0.1:${server.port}: the server does not offer TLS`,
    });
    expect((await ask(url('larder', '?sslmode=prefer'), 'SELECT 1')).encrypted).toBe(false);
  });
});

describe('a refused login', () => {
  test('with a wrong password names no password', async () => {
    const error = await failure(url('larder').replace('pa55', 'wr0ng'));
    expect(error).toMatchObject({ code: 'SERVER_REFUSED_LOGIN' });
    expect(JSON.stringify(error) + error.message).not.toContain('wr0ng');
  });

  test('without any password says where to put one', async () => {
    expect(await failure(url('larder').replace(':pa55', ''))).toMatchObject({
      code: 'SERVER_REFUSED_LOGIN',
      hint: expect.stringContaining('DATABASE_PASSWORD_FILE'),
    });
  });

  test('of a role without REPLICATION gives the SQL that grants it', async () => {
    expect(await failure(url('plain'), { replication: true })).toMatchObject({
      code: 'SERVER_NOT_PRIVILEGED',
      hint: 'ALTER ROLE "plain" REPLICATION;',
    });
  });

  test('by pg_hba.conf gives the line that is missing', async () => {
    await server.query(`COPY (SELECT 'host all all 127.0.0.1/32 scram-sha-256' UNION ALL SELECT 'local all all trust')
      TO PROGRAM 'cat > "$(dirname "$PWD/x")/pg_hba.conf"'; SELECT pg_reload_conf()`);
    const error = await failure(url('larder'), { replication: true });
    expect(error.code).toBe('SERVER_REFUSED_LOGIN');
    expect(error.hint).toContain('host replication larder 127.0.0.1/32 scram-sha-256');
    await server.query(`COPY (SELECT 'host all,replication all 127.0.0.1/32 scram-sha-256' UNION ALL SELECT 'local all all trust')
      TO PROGRAM 'cat > "$(dirname "$PWD/x")/pg_hba.conf"'; SELECT pg_reload_conf()`);
  });

  test('for want of a walsender names the setting', async () => {
    const settings = parseConnection(url('larder'), {});
    const first = await openClient(settings, { replication: true });
    const error = await failure(url('larder'), { replication: true });
    await first.end();
    expect(error.code).toBe('SERVER_NO_SEAT');
    expect(error.hint).toContain('max_wal_senders');
  });
});

describe('a server that is not there', () => {
  test('is named with host and port', async () => {
    expect(await failure('postgresql://u@127.0.0.1:1,localhost:1/d')).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message:
        '127.0.0.1:1 cannot be reached: nothing listens there; localhost:1 cannot be reached: nothing listens there',
    });
    expect(await failure('postgresql://u@/d?host=/nowhere')).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: '/nowhere/.s.PGSQL.5432 cannot be reached: there is no such socket',
    });
    expect((await failure('postgresql://u@no-such-host.invalid/d')).code).toBe('SERVER_UNREACHABLE');
  });

  test('or never answers is given up after connect_timeout, or at once on abort', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const text = `postgresql://u@127.0.0.1:${port}/d?sslmode=disable&connect_timeout=1`;
    expect((await failure(text)).message).toContain('no answer came in time');
    const reason = new Error('stop');
    await expect(failure(text, { signal: AbortSignal.abort(reason) })).resolves.toBe(reason);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    await expect(failure(text, { signal: controller.signal })).resolves.toBe(reason);
    silent.close();
  });
});

describe('a lost connection', () => {
  test('fails the query and leaves the process alone', async () => {
    const client = await openClient(parseConnection(url('larder'), {}));
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await server.query(`SELECT pg_terminate_backend(${rows[0]!.pid})`);
    await expect(client.query('SELECT 1')).rejects.toThrow();
  });
});

describe('a server with TLS', () => {
  beforeAll(async () => {
    const file = (name: string) => join(certificates, name);
    await run('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=db.example', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', file('server.key'), '-out', file('server.crt')],
    ]);
    const { uid, gid } = await stat(server.dataDirectory);
    for (const name of ['server.key', 'server.crt']) {
      const target = join(server.dataDirectory, name);
      await copyFile(file(name), target);
      await chown(target, uid, gid);
      await chmod(target, 0o600);
    }
    await server.query('ALTER SYSTEM SET ssl = on');
    await server.query('SELECT pg_reload_conf()');
  });

  const encrypted = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
  const rooted = (host: string, mode: string) =>
    `postgresql://larder:pa55@${host}:${server.port}/postgres?sslmode=${mode}&sslrootcert=${certificates}/server.crt`;

  test('is encrypted by prefer and require without a certificate to trust', async () => {
    for (const mode of ['prefer', 'require']) {
      expect((await ask(url('larder', `?sslmode=${mode}`), encrypted)).row).toEqual({ ssl: true });
    }
    expect((await ask(url('larder', '?sslmode=disable'), encrypted)).row).toEqual({ ssl: false });
    expect((await ask(server.connection, 'SELECT 1')).encrypted).toBe(false);
  });

  test('carries replication connections too', async () => {
    const { row, encrypted: tls } = await ask(url('larder', '?sslmode=require'), 'IDENTIFY_SYSTEM', {
      replication: true,
    });
    expect(row).toHaveProperty('systemid');
    expect(tls).toBe(true);
  });

  test('must prove who signed it for verify-ca, and its name too for verify-full', async () => {
    expect((await failure(url('larder', '?sslmode=verify-ca'))).code).toBe('SERVER_TLS');
    expect((await ask(rooted('127.0.0.1', 'verify-ca'), encrypted)).row).toEqual({ ssl: true });
    expect((await ask(rooted('localhost', 'verify-full'), encrypted)).row).toEqual({ ssl: true });
    expect(await failure(rooted('127.0.0.1', 'verify-full'))).toMatchObject({
      code: 'SERVER_TLS',
      hint: expect.stringContaining('verify-ca'),
    });
  });
});
