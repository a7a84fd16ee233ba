import { expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { loginError } from '../../src/postgres/login-error.ts';
import type { LoginAttempt } from '../../src/postgres/login-error.ts';

const sql: LoginAttempt = {
  address: { host: 'db', port: 5432 },
  user: 'larder',
  database: 'truck',
  replication: false,
};
const walsender: LoginAttempt = { ...sql, replication: true };

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { severity: 'FATAL', code });
}

test.each([
  [
    sql,
    refusal(
      '28000',
      'no pg_hba.conf entry for host "10.0.0.7", user "larder", database "truck", no encryption',
    ),
    'SERVER_REFUSED_LOGIN',
    'host truck larder 10.0.0.7/32 scram-sha-256',
  ],
  [
    walsender,
    refusal(
      '28000',
      'no pg_hba.conf entry for replication connection from host "fe80::1", user "larder", SSL encryption',
    ),
    'SERVER_REFUSED_LOGIN',
    'hostssl replication larder fe80::1/128 scram-sha-256',
  ],
  [
    walsender,
    refusal(
      '28000',
      'pg_hba.conf rejects replication connection for host "[local]", user "La Rder", no encryption',
    ),
    'SERVER_REFUSED_LOGIN',
    'Add this line above the line that rejects it, then run SELECT pg_reload_conf(); : local replication "La Rder" scram-sha-256',
  ],
  [
    sql,
    refusal('28000', 'no pg_hba.conf entry for host "::1", user "larder", database "all", no encryption'),
    'SERVER_REFUSED_LOGIN',
    'host "all" larder ::1/128 scram-sha-256',
  ],
  [
    sql,
    refusal('28P01', 'password authentication failed for user "larder"'),
    'SERVER_REFUSED_LOGIN',
    'DATABASE_PASSWORD_FILE',
  ],
  [
    sql,
    refusal('28000', 'role "larder" does not exist'),
    'SERVER_REFUSED_LOGIN',
    'CREATE ROLE "larder" LOGIN REPLICATION',
  ],
  [
    sql,
    refusal('28000', 'role "larder" is not permitted to log in'),
    'SERVER_REFUSED_LOGIN',
    'ALTER ROLE "larder" LOGIN;',
  ],
  [
    sql,
    refusal('3D000', 'database "truck" does not exist'),
    'SERVER_REFUSED_LOGIN',
    'a database that exists',
  ],
  [
    walsender,
    refusal('42501', 'permission denied to start WAL sender'),
    'SERVER_NOT_PRIVILEGED',
    'ALTER ROLE "larder" REPLICATION;',
  ],
  [
    walsender,
    refusal('42501', 'must be superuser or replication role to start walsender'),
    'SERVER_NOT_PRIVILEGED',
    'ALTER ROLE "larder" REPLICATION;',
  ],
  [
    sql,
    refusal('42501', 'permission denied for database "truck"'),
    'SERVER_NOT_PRIVILEGED',
    'GRANT CONNECT ON DATABASE "truck" TO "larder";',
  ],
  [
    walsender,
    refusal('53300', 'number of requested standby connections exceeds "max_wal_senders" (currently 1)'),
    'SERVER_NO_SEAT',
    'raise max_wal_senders',
  ],
  [sql, refusal('53300', 'sorry, too many clients already'), 'SERVER_NO_SEAT', 'raise max_connections'],
  [
    sql,
    refusal('53300', 'too many connections for role "larder"'),
    'SERVER_NO_SEAT',
    'ALTER ROLE "larder" CONNECTION LIMIT',
  ],
  [
    sql,
    refusal('57P03', 'the database system is starting up'),
    'SERVER_UNREACHABLE',
    'Wait until it has started.',
  ],
  [
    sql,
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    'SERVER_UNREACHABLE',
    'listen_addresses',
  ],
  [sql, new Error('timeout expired'), 'SERVER_UNREACHABLE', 'firewall'],
  [sql, new Error('The server does not support SSL connections'), 'SERVER_TLS', 'sslmode=prefer'],
  [sql, Object.assign(new Error('x'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'SERVER_TLS', 'verify-ca'],
  [
    sql,
    Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    'SERVER_TLS',
    'sslrootcert',
  ],
])('a failed login is told with its mend: %#', (attempt, thrown, code, hint) => {
  const error = loginError(thrown, attempt);
  expect(error.code).toBe(code);
  expect(error.hint).toContain(hint);
  expect(error.message).toContain('db:5432');
  expect(error.cause).toBe(thrown);
});

test('an error of ours passes unchanged', () => {
  const ours = new LarderError('CONFIG_INVALID', 'password file cannot be read');
  expect(loginError(ours, sql)).toBe(ours);
});
