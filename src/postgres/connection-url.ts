import { LarderError } from '../errors.ts';
import { addParameter } from './connection-parameters.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { isSocketDirectory } from './connection-settings.ts';
import type { ConnectionSettings, HostAddress } from './connection-settings.ts';

const SCHEME = /^postgres(?:ql)?:\/\//;

/** Whether the text is a connection URL and not a key=value string. */
export function isConnectionUrl(text: string): boolean {
  return SCHEME.test(text);
}

/**
 * libpq's connection URL: `postgresql://user:password@host:port,host:port/dbname?keyword=value&…`, every part
 * optional and percent-encoded. Throws CONFIG_INVALID; no message repeats a part of the URL but a keyword.
 */
export function parseConnectionUrl(url: string): ConnectionParameters {
  const parameters = new Map<string, string>();
  let rest = url.replace(SCHEME, '');
  // as libpq looks for it: the first "@" before the first "/", whatever else stands before it
  const credentials = /^([^@/]*)@/.exec(rest)?.[1];
  if (credentials !== undefined) {
    addUserAndPassword(parameters, credentials);
    rest = rest.slice(credentials.length + 1);
  }
  const { before: address, after: query } = cut(rest, '?');
  const { before: hosts, after: database } = cut(address, '/');
  addHosts(parameters, hosts);
  if (database) addParameter(parameters, 'dbname', decode(database, 'the database name'));
  if (query) for (const pair of query.split('&')) addPair(parameters, pair);
  return parameters;
}

/** The settings as a connection URL, without the password: for messages and `print-config`. */
export function formatConnectionUrl(settings: ConnectionSettings): string {
  const query = new Map<string, string>();
  const sockets = settings.hosts.some((address) => isSocketDirectory(address.host));
  if (sockets) {
    query.set('host', settings.hosts.map((address) => address.host).join(','));
    query.set('port', settings.hosts.map((address) => address.port).join(','));
  }
  query.set('sslmode', settings.tls.mode);
  if (settings.tls.rootCertificateFile) query.set('sslrootcert', settings.tls.rootCertificateFile);
  if (settings.tls.certificateFile) query.set('sslcert', settings.tls.certificateFile);
  if (settings.tls.keyFile) query.set('sslkey', settings.tls.keyFile);
  query.set('connect_timeout', String(settings.connectTimeout / 1000));
  query.set('application_name', settings.applicationName);
  const hosts = sockets ? '' : settings.hosts.map(hostSpecification).join(',');
  const pairs = [...query].map(([keyword, value]) => `${keyword}=${encodeURIComponent(value)}`);
  return `postgresql://${encodeURIComponent(settings.user)}@${hosts}/${encodeURIComponent(settings.database)}?${pairs.join('&')}`;
}

function addUserAndPassword(parameters: Map<string, string>, credentials: string): void {
  const { before: user, after: password } = cut(credentials, ':');
  if (user !== '') addParameter(parameters, 'user', decode(user, 'the user name'));
  if (password) addParameter(parameters, 'password', decode(password, 'the password'));
}

function addHosts(parameters: Map<string, string>, text: string): void {
  if (text === '') return;
  const hosts = text.split(',').map(splitHost);
  addParameter(parameters, 'host', hosts.map((each) => decode(each.host, 'the host')).join(','));
  if (hosts.some((each) => each.port !== '')) {
    addParameter(parameters, 'port', hosts.map((each) => each.port).join(','));
  }
}

/**
 * An IPv6 address stands in brackets, since it holds colons itself. The port is checked here, before the parameters: an
 * unencoded "/" in a password makes the rest of it look like hosts and keywords.
 */
function splitHost(text: string): { host: string; port: string } {
  const match = /^(?:\[([^[\]]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(text);
  if (match !== null) return { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
  throw new LarderError('CONFIG_INVALID', 'the connection URL has a host or port that cannot be read', {
    hint: 'Write host:port, with an IPv6 address in brackets; a "@", "/" or ":" in a password must be percent-encoded (%40, %2F, %3A).',
  });
}

function addPair(parameters: Map<string, string>, pair: string): void {
  const { before, after } = cut(pair, '=');
  const keyword = decode(before, 'a keyword');
  if (after === undefined) {
    throw new LarderError('CONFIG_INVALID', 'the connection URL has a parameter without "="', {
      hint: 'Write parameters as ?keyword=value&keyword=value; a "?" or "&" inside a value must be percent-encoded (%3F, %26).',
    });
  }
  const value = decode(after, `the value of ${keyword}`);
  // JDBC's spelling, which libpq takes too
  if (keyword === 'ssl' && value === 'true') addParameter(parameters, 'sslmode', 'require');
  else addParameter(parameters, keyword, value);
}

function hostSpecification(address: HostAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : encodeURIComponent(address.host);
  return `${host}:${address.port}`;
}

/** Percent-decoding only: a "+" is a plus sign in libpq. */
function decode(text: string, what: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // told below, without the text
  }
  throw new LarderError('CONFIG_INVALID', `the connection URL has a bad percent-encoding in ${what}`, {
    hint: 'Write "%" itself as %25.',
  });
}

function cut(text: string, mark: string): { before: string; after: string | undefined } {
  const at = text.indexOf(mark);
  if (at < 0) return { before: text, after: undefined };
  return { before: text.slice(0, at), after: text.slice(at + 1) };
}
