import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fitsSocketPath } from '../../../src/postgres/server/instance-home.ts';
import { withDatabase } from '../../../src/postgres/server/instance-session.ts';
import { quoteSetting } from '../../../src/postgres/server/initialize-cluster.ts';
import { serverArguments } from '../../../src/postgres/server/instance.ts';
import { isPostgresStatus, parseLockHolder } from '../../../src/postgres/server/release-data-directory.ts';

const home = {
  directory: '/h',
  dataDirectory: '/h/data',
  socketDirectory: '/h/socket',
  logFile: '/h/postgres.log',
  user: undefined,
};

describe('the command line of an instance', () => {
  test('listens on nothing but its socket unless a port is given, whatever the settings say', () => {
    const settings = { listen_addresses: '*', unix_socket_directories: '/tmp', work_mem: '1MB' };
    const closed = serverArguments({ home, settings });
    expect(closed).toEqual(
      expect.arrayContaining(['listen_addresses=', 'unix_socket_directories=/h/socket', 'work_mem=1MB']),
    );
    expect(closed.join(' ')).not.toMatch(/addresses=\*|directories=\/tmp/);
    expect(serverArguments({ home, settings, tcpPort: 6000 })).toEqual(
      expect.arrayContaining(['listen_addresses=127.0.0.1', 'port=6000']),
    );
  });
});

test('a socket path is measured in bytes', () => {
  expect(fitsSocketPath('/' + 'a'.repeat(91))).toBe(true);
  expect(fitsSocketPath('/' + 'a'.repeat(92))).toBe(false);
  expect(fitsSocketPath('/' + 'ä'.repeat(50))).toBe(false);
});

test('a setting survives the quoting of postgresql.conf', () => {
  const unquote = (text: string) => text.slice(1, -1).replaceAll("''", "'").replaceAll('\\\\', '\\');
  fc.assert(fc.property(fc.string(), (value) => unquote(quoteSetting(value)) === value));
});

test.each([
  ['postgresql://postgres@/postgres?host=%2Fs&port=5432', 'postgresql://postgres@/a%2Fb?host=%2Fs&port=5432'],
  ['postgresql://u:p@h:1/x', 'postgresql://u:p@h:1/a%2Fb'],
  ['postgres://h', 'postgres://h/a%2Fb'],
  ['postgres://h?sslmode=disable', 'postgres://h/a%2Fb?sslmode=disable'],
])('%s for another database is %s', (connection, other) => {
  expect(withDatabase(connection, 'a/b')).toBe(other);
});

test('the holder of a lock file is its first line', () => {
  expect(parseLockHolder('4711\n/data\n')).toBe(4711);
  expect(parseLockHolder('')).toBeUndefined();
  expect(parseLockHolder('-4711\n')).toBeUndefined();
});

test.each([
  [true, 'Name:\tpostgres\nState:\tS (sleeping)\n'],
  [false, 'Name:\tpostgres\nState:\tZ (zombie)\n'],
  [false, 'Name:\tpostgres_export\nState:\tS (sleeping)\n'],
])('it is %s that %j is a running PostgreSQL', (running, status) => {
  expect(isPostgresStatus(status)).toBe(running);
});
