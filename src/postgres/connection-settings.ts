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
  readonly password: (host: HostAddress) => Promise<string | undefined>;
  readonly tls: TlsSettings;
  /** Milliseconds; 0 waits for ever. */
  readonly connectTimeout: number;
  readonly applicationName: string;
}

export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** libpq's sslmode and its files, read when a connection is opened. */
export interface TlsSettings {
  readonly mode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  readonly rootCertificateFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
}
