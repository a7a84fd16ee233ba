import { LarderError } from '../errors.ts';
import type { ConnectionParameters, ParameterName } from './connection-parameters.ts';
import { TLS_MODES } from './connection-settings.ts';
import type { ConnectionSettings, HostAddress, TlsMode, TlsSettings } from './connection-settings.ts';
import { isConnectionUrl, parseConnectionUrl } from './connection-url.ts';
import { parseConninfo } from './conninfo.ts';
import { passwordFromFile } from './passfile.ts';

/** A service must not wait for ever by default, as libpq does. */
const DEFAULT_CONNECT_TIMEOUT_SECONDS = '10';
const DEFAULT_PORT = '5432';

const ENVIRONMENT_NAMES: Readonly<Partial<Record<ParameterName, string>>> = {
  host: 'PGHOST',
  port: 'PGPORT',
  user: 'PGUSER',
  dbname: 'PGDATABASE',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
};

type Lookup = (name: ParameterName) => string | undefined;

/**
 * Reads a libpq URL or key=value string, with libpq's environment variables for what it leaves open. Two differences
 * from libpq: with no host it is `localhost`, not a unix socket, and verify-ca or verify-full without `sslrootcert`
 * trusts the system's roots. Throws CONFIG_INVALID or NOT_BUILT_YET; a message never holds a password or the text itself.
 */
export function parseConnection(text: string, environment: NodeJS.ProcessEnv): ConnectionSettings {
  const written = parseText(text);
  const lookup: Lookup = (name) => {
    const variable = ENVIRONMENT_NAMES[name];
    return (
      nonEmpty(written.get(name)) ?? (variable === undefined ? undefined : nonEmpty(environment[variable]))
    );
  };
  const hosts = readHosts(lookup('host') ?? 'localhost', lookup('port') ?? DEFAULT_PORT);
  const user = lookup('user') ?? nonEmpty(environment['USER']);
  if (user === undefined) {
    throw new LarderError('CONFIG_INVALID', 'the connection names no user', {
      hint: 'Write it as postgresql://USER@host/database.',
    });
  }
  const database = lookup('dbname') ?? user;
  return {
    hosts,
    user,
    database,
    password: passwordSource(lookup, { user, database, home: environment['HOME'] }),
    tls: readTls(lookup),
    connectTimeout: readTimeout(lookup('connect_timeout') ?? DEFAULT_CONNECT_TIMEOUT_SECONDS),
    applicationName:
      lookup('application_name') ?? nonEmpty(written.get('fallback_application_name')) ?? 'larder',
  };
}

function parseText(text: string): ConnectionParameters {
  if (isConnectionUrl(text)) return parseConnectionUrl(text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new LarderError('CONFIG_INVALID', 'the connection URL does not begin with postgresql://', {
      hint: 'Write it as postgresql://user@host:5432/database.',
    });
  }
  return parseConninfo(text);
}

function readHosts(hosts: string, ports: string): readonly HostAddress[] {
  const hostList = hosts.split(',');
  const portList = ports.split(',');
  if (portList.length !== 1 && portList.length !== hostList.length) {
    throw new LarderError(
      'CONFIG_INVALID',
      `the connection names ${portList.length} ports for ${hostList.length} hosts`,
      { hint: 'Give one port for all hosts, or one for each.' },
    );
  }
  return hostList.map((host, index) => ({
    host: nonEmpty(host) ?? 'localhost',
    port: readPort(nonEmpty(portList[portList.length === 1 ? 0 : index]) ?? DEFAULT_PORT),
  }));
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  // the text is not repeated: after a slip in a URL it may be a part of the password
  throw new LarderError('CONFIG_INVALID', 'the connection has a port that is not a number from 1 to 65535', {
    hint: 'Write host:5432; a "@", "/" or ":" in a password must be percent-encoded (%40, %2F, %3A).',
  });
}

function readTls(lookup: Lookup): TlsSettings {
  const rootCertificateFile = lookup('sslrootcert');
  const certificateFile = lookup('sslcert');
  const keyFile = lookup('sslkey');
  const mode = readTlsMode(lookup('sslmode'), rootCertificateFile);
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw new LarderError('CONFIG_INVALID', 'the connection has only one of sslcert and sslkey', {
      hint: 'A client certificate needs both files.',
    });
  }
  return {
    mode,
    ...(rootCertificateFile === undefined ? {} : { rootCertificateFile }),
    ...(certificateFile === undefined ? {} : { certificateFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
}

function readTlsMode(given: string | undefined, rootCertificateFile: string | undefined): TlsMode {
  const system = rootCertificateFile === 'system';
  const name = given ?? (system ? 'verify-full' : 'prefer');
  const mode = TLS_MODES.find((known) => known === name);
  if (mode === undefined) {
    throw new LarderError('CONFIG_INVALID', `the connection has an unknown sslmode "${name}"`, {
      hint: `sslmode is one of ${TLS_MODES.join(', ')}.`,
    });
  }
  // anybody can have a certificate from a public authority: without the host's name it proves nothing
  if (system && mode !== 'verify-full') {
    throw new LarderError('CONFIG_INVALID', `sslrootcert=system does not go with sslmode=${mode}`, {
      hint: 'Set sslmode=verify-full.',
    });
  }
  return mode;
}

function readTimeout(seconds: string): number {
  if (!/^-?\d{1,6}$/.test(seconds)) {
    throw new LarderError('CONFIG_INVALID', 'connect_timeout is not a whole number of seconds', {
      hint: 'Write connect_timeout=10; 0 waits for ever.',
    });
  }
  return Math.max(0, Number(seconds)) * 1000;
}

/** A password written down wins over the password file, which is read anew at each login. */
function passwordSource(
  lookup: Lookup,
  owner: { user: string; database: string; home: string | undefined },
): ConnectionSettings['password'] {
  const written = lookup('password');
  if (written !== undefined) return () => Promise.resolve(written);
  const file = lookup('passfile') ?? (owner.home === undefined ? undefined : `${owner.home}/.pgpass`);
  if (file === undefined) return () => Promise.resolve(undefined);
  return ({ address, replication }) => {
    const databases = replication ? ['replication', owner.database] : [owner.database];
    return passwordFromFile(file, { ...address, user: owner.user, databases });
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
