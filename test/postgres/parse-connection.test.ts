import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { TLS_MODES } from '../../src/postgres/connection-settings.ts';
import { formatConnectionUrl } from '../../src/postgres/connection-url.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';

const login = { address: { host: 'db', port: 5432 }, replication: false };

function failure(text: string, environment: NodeJS.ProcessEnv = {}): string {
  try {
    parseConnection(text, environment);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('a connection URL', () => {
  test('gives user, password, host, port and database, percent-decoded', async () => {
    const settings = parseConnection('postgresql://la%72der:p%40ss%2Fw%3Ard@db:6432/my%20truck', {});
    expect(settings).toMatchObject({
      hosts: [{ host: 'db', port: 6432 }],
      user: 'larder',
      database: 'my truck',
      tls: { mode: 'prefer' },
      connectTimeout: 10_000,
      applicationName: 'larder',
    });
    expect(await settings.password(login)).toBe('p@ss/w:rd');
  });

  test('may list several hosts, each with its port, IPv6 in brackets', () => {
    expect(parseConnection('postgres://u@a:1,[::1]:2,c/d', {}).hosts).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
      { host: 'c', port: 5432 },
    ]);
    expect(parseConnection('postgres://u@a,b/d?port=7', {}).hosts.map((each) => each.port)).toEqual([7, 7]);
  });

  test('may name the directory of a unix socket as a parameter or percent-encoded', () => {
    const expected = [{ host: '/run/pg', port: 5433 }];
    expect(parseConnection('postgresql:///d?host=/run/pg&port=5433&user=u', {}).hosts).toEqual(expected);
    expect(parseConnection('postgresql://u@%2Frun%2Fpg:5433/d', {}).hosts).toEqual(expected);
  });

  test('leaves a "+" alone and takes a "?" in a password, as libpq does', async () => {
    const settings = parseConnection('postgresql://u:a+b?c@h/d', {});
    expect(await settings.password(login)).toBe('a+b?c');
  });

  test("takes JDBC's ssl=true for sslmode=require", () => {
    expect(parseConnection('postgresql://u@h/d?ssl=true', {}).tls).toEqual({ mode: 'require' });
  });

  test('with sslrootcert=system checks the name too', () => {
    expect(parseConnection('postgresql://u@h/d?sslrootcert=system', {}).tls.mode).toBe('verify-full');
    expect(failure('postgresql://u@h/d?sslrootcert=system&sslmode=require')).toContain('does not go with');
  });
});

describe('a key=value string', () => {
  test('is read with libpq’s quoting', async () => {
    const settings = parseConnection(
      String.raw`host = db port=6432 user='la rder' password='it\'s \\ "x"' dbname=tr\ uck application_name=''`,
      {},
    );
    expect(settings).toMatchObject({
      hosts: [{ host: 'db', port: 6432 }],
      user: 'la rder',
      database: 'tr uck',
      applicationName: 'larder',
    });
    expect(await settings.password(login)).toBe(String.raw`it's \ "x"`);
  });

  test('with an unfinished quote is refused without repeating the value', () => {
    const message = failure("user=u password='hunter2");
    expect(message).toBe('the connection string cannot be read after the value of user');
  });
});

describe('what the string leaves open', () => {
  test('comes from libpq’s environment variables', async () => {
    const settings = parseConnection('', {
      PGHOST: 'db',
      PGPORT: '6432',
      PGUSER: 'u',
      PGDATABASE: 'd',
      PGPASSWORD: 'p',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca',
      PGSSLCERT: '/cert',
      PGSSLKEY: '/key',
      PGAPPNAME: 'app',
      PGCONNECT_TIMEOUT: '3',
    });
    expect(settings).toMatchObject({
      hosts: [{ host: 'db', port: 6432 }],
      user: 'u',
      database: 'd',
      tls: { mode: 'verify-full', rootCertificateFile: '/ca', certificateFile: '/cert', keyFile: '/key' },
      applicationName: 'app',
      connectTimeout: 3000,
    });
    expect(await settings.password(login)).toBe('p');
  });

  test('has defaults: localhost, 5432, the database of the user’s name', () => {
    expect(parseConnection('user=u', {})).toMatchObject({
      hosts: [{ host: 'localhost', port: 5432 }],
      database: 'u',
    });
    expect(failure('')).toBe('the connection names no user');
  });
});

describe('a refusal', () => {
  test.each([
    [
      'postgresql://u@h/d?ssl_mode=require',
      'unknown connection parameter "ssl_mode" (did you mean "sslmode"?)',
    ],
    ['postgresql://u@h/d?service=x', 'the connection parameter service is not supported'],
    [
      'postgresql://u@h/d?target_session_attrs=primary',
      'the connection parameter target_session_attrs is not supported',
    ],
    [
      'postgresql://u@h/d?channel_binding=require',
      'the connection parameter channel_binding is not supported',
    ],
    ['postgresql://u@h/d?constructor=x', 'unknown connection parameter "constructor"'],
    ['postgresql://u@h/d?sslmode=yes', 'the connection has an unknown sslmode "yes"'],
    ['postgresql://u@h:1,i:2/d?port=1,2,3', 'the connection names 3 ports for 2 hosts'],
    ['postgresql://u@h/d?connect_timeout=soon', 'connect_timeout is not a whole number of seconds'],
    ['postgresql://u@h/d?sslcert=/c', 'the connection has only one of sslcert and sslkey'],
    ['mysql://u:hunter2@h/d', 'the connection URL does not begin with postgresql://'],
    ['postgresql://u:hunter%2@h/d', 'the connection URL has a bad percent-encoding in the password'],
    ['postgresql://u:hunter2%@h/d', 'the connection URL has a bad percent-encoding in the password'],
    ['postgresql://u:hunter/2@h/d', 'the connection URL has a host or port that cannot be read'],
    ['postgresql://u:hunter@2:x@h/d', 'the connection URL has a host or port that cannot be read'],
    ['postgresql://u:hunter2@[::1/d', 'the connection URL has a host or port that cannot be read'],
    ['postgresql://u:x/y?hunter=2@h/d', 'the connection URL has a host or port that cannot be read'],
    ['user=u password=my hunter2=x', 'unknown connection parameter'],
    ['postgresql://u@h:70000/d', 'the connection has a port that is not a number from 1 to 65535'],
    ['postgresql://u@h/d?password', 'the connection URL has a parameter without "="'],
  ])('of %s says what is wrong and shows no password', (text, expected) => {
    const message = failure(text);
    expect(message).toBe(expected);
    expect(message).not.toContain('hunter');
  });

  test('does not meet parameters that ask for what happens anyway', () => {
    const url = 'postgresql://u@h/d?gssencmode=disable&target_session_attrs=any&channel_binding=prefer';
    expect(parseConnection(url, {}).hosts).toEqual([{ host: 'h', port: 5432 }]);
  });
});

const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('\0'));
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  word.filter((text) => !text.includes(',')).map((text) => `/run/${text}`),
);
const settingsWithoutPassword = fc.record({
  hosts: fc.array(fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  user: word,
  database: word,
  tls: fc.record({ mode: fc.constantFrom(...TLS_MODES) }),
  connectTimeout: fc.integer({ min: 0, max: 9999 }).map((seconds) => seconds * 1000),
  applicationName: word,
});

test('settings survive being written as a URL and read back', () => {
  fc.assert(
    fc.property(settingsWithoutPassword, (given) => {
      const settings: ConnectionSettings = { ...given, password: () => Promise.resolve(undefined) };
      expect(parseConnection(formatConnectionUrl(settings), {})).toEqual({
        ...given,
        password: expect.any(Function),
      });
    }),
  );
});

test('any password survives a URL and a quoted key=value string', async () => {
  await fc.assert(
    fc.asyncProperty(word, async (password) => {
      const url = `postgresql://u:${encodeURIComponent(password)}@h/d`;
      const quoted = password.replaceAll(/[\\']/g, String.raw`\$&`);
      expect(await parseConnection(url, {}).password(login)).toBe(password);
      expect(await parseConnection(`user=u password='${quoted}'`, {}).password(login)).toBe(password);
    }),
  );
});

test('no text, however broken, is repeated in the refusal', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('/', '@', ':', '?', '%', '[', '&'),
      (junk, mark) => {
        for (const text of [
          `postgresql://u:s3cr3t${mark}${junk}@h/d`,
          `user=u password=s3cr3t${mark}${junk}`,
        ]) {
          try {
            parseConnection(text, {});
          } catch (error) {
            const { message, hint } = error as { message: string; hint: string };
            expect(message.replace(/unknown connection parameter.*/, '') + hint).not.toContain('s3cr3t');
          }
        }
      },
    ),
  );
});
