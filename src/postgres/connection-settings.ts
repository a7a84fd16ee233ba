/**
 * How to reach one PostgreSQL server: what libpq's URL, key=value string, environment and files came to. Plain data, so
 * that it can be compared and passed on; the password is asked for when a connection is opened.
 */
export interface ConnectionSettings {
  /** Tried in order until one answers. A host that begins with `/` is the directory of a unix socket. */
  readonly hosts: readonly HostAddress[];
  readonly user: string;
  /** The database for ordinary SQL; replication connections name none. */
  readonly database: string;
  /** Asked at each login, so that a rotated password file is honoured; `undefined` when there is no password. */
  readonly password: (login: Login) => Promise<string | undefined>;
  readonly tls: TlsSettings;
  /** Milliseconds for each host, from the first packet to the end of the login; 0 waits for ever. */
  readonly connectTimeout: number;
  readonly applicationName: string;
}

export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** One attempt to log in. */
export interface Login {
  readonly address: HostAddress;
  /** Password files may hold a line of their own for replication connections. */
  readonly replication: boolean;
}

/** libpq's sslmode and its files, read when a connection is opened. */
export interface TlsSettings {
  readonly mode: TlsMode;
  /** `system` means the roots Node.js ships with. */
  readonly rootCertificateFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

export const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/** `db:5432`, `[::1]:5432` or the path of a unix socket, for messages. */
export function addressText(address: HostAddress): string {
  if (isSocketDirectory(address.host)) return `${address.host}/.s.PGSQL.${address.port}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether the host names the directory of a unix socket. */
export function isSocketDirectory(host: string): boolean {
  return host.startsWith('/');
}
