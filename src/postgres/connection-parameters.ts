import { LarderError } from '../errors.ts';
import { didYouMean } from '../nearest-key.ts';

/** libpq's parameters as written: keyword → value, every keyword known and built. */
export type ConnectionParameters = ReadonlyMap<string, string>;

const BUILT = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'passfile',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'connect_timeout',
  'application_name',
  'fallback_application_name',
] as const;
export type ParameterName = (typeof BUILT)[number];

/** Parameters that Larder has no code for, with the values that ask for nothing but what it does anyway. */
const NOT_BUILT: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ['disable', 'prefer'],
  client_encoding: ['UTF8', 'utf8', 'auto'],
  gssdelegation: ['0'],
  gssencmode: ['disable', 'prefer'],
  gsslib: [],
  hostaddr: [],
  keepalives: ['1'],
  keepalives_count: [],
  keepalives_idle: [],
  keepalives_interval: [],
  krbsrvname: [],
  load_balance_hosts: ['disable'],
  max_protocol_version: ['3.0', 'latest'],
  min_protocol_version: ['3.0'],
  options: [''],
  replication: [],
  require_auth: [],
  requirepeer: [],
  service: [],
  servicefile: [],
  ssl_max_protocol_version: [],
  ssl_min_protocol_version: ['TLSv1.2'],
  sslcertmode: ['allow'],
  sslcompression: ['0'],
  sslcrl: [],
  sslcrldir: [],
  sslkeylogfile: [],
  sslnegotiation: ['postgres'],
  sslpassword: [],
  sslsni: ['1'],
  target_session_attrs: ['any'],
  tcp_user_timeout: [],
};

/**
 * Adds one parameter; later ones win, as in libpq. Throws CONFIG_INVALID for a keyword libpq does not know and
 * NOT_BUILT_YET for one that it knows and Larder does not. Values are never repeated: any of them may be a password.
 */
export function addParameter(parameters: Map<string, string>, keyword: string, value: string): void {
  if (isBuilt(keyword)) {
    parameters.set(keyword, value);
    return;
  }
  const harmless = Object.hasOwn(NOT_BUILT, keyword) ? NOT_BUILT[keyword] : undefined;
  if (harmless?.includes(value)) return;
  if (harmless !== undefined) {
    throw new LarderError('NOT_BUILT_YET', `the connection parameter ${keyword} is not supported`, {
      hint: `Remove ${keyword} from the connection.${insteadOf(harmless)}`,
    });
  }
  // what is not a word may be the rest of a password with a blank in it
  const name = /^[a-z_]+$/.test(keyword) ? ` "${keyword}"` : '';
  throw new LarderError(
    'CONFIG_INVALID',
    `unknown connection parameter${name}${didYouMean(keyword, [...BUILT, ...Object.keys(NOT_BUILT)])}`,
    { hint: `Known parameters are ${BUILT.join(', ')}.` },
  );
}

function insteadOf(harmless: readonly string[]): string {
  const values = harmless.filter((value) => value !== '');
  return values.length === 0 ? '' : ` Only ${values.join(' or ')} can be given.`;
}

function isBuilt(keyword: string): keyword is ParameterName {
  return BUILT.some((name) => name === keyword);
}
