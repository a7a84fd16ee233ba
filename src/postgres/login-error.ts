import { LarderError, systemErrorCode } from '../errors.ts';
import { addressText } from './connection-settings.ts';
import type { Login } from './connection-settings.ts';
import { hbaLineFor } from './hba-line.ts';
import { serverErrorText, sqlState } from './server-error.ts';
import type { ServerErrorFields } from './server-error.ts';
import { quoteIdentifier } from './sql/quote.ts';

/** Who tried to log in, where. */
export interface LoginAttempt extends Login {
  readonly user: string;
  readonly database: string;
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be opened',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'no answer came',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
};

/** What kept us from logging in, with the exact mend. Errors that are already ours stay as they are. */
export function loginError(error: unknown, attempt: LoginAttempt): LarderError {
  if (error instanceof LarderError) return error;
  const state = sqlState(error);
  if (state !== undefined) return refusal(error as ServerErrorFields, state, attempt);
  return unreachable(error, attempt);
}

function unreachable(error: unknown, attempt: LoginAttempt): LarderError {
  const where = addressText(attempt.address);
  const text = error instanceof Error ? error.message : String(error);
  const code = systemErrorCode(error) ?? '';
  const tls = tlsTrouble(code, text);
  if (tls !== undefined) {
    return new LarderError('SERVER_TLS', `${where}: ${tls.message}`, { hint: tls.hint, cause: error });
  }
  const reason = NETWORK[code] ?? (text === 'timeout expired' ? 'no answer came in time' : text);
  return new LarderError('SERVER_UNREACHABLE', `${where} cannot be reached: ${reason}`, {
    hint: 'Check that the server runs and that host, port, listen_addresses and any firewall agree.',
    cause: error,
  });
}

function tlsTrouble(code: string, text: string): { message: string; hint: string } | undefined {
  if (text === 'The server does not support SSL connections') {
    return {
      message: 'the server does not offer TLS',
      hint: "Turn it on (ALTER SYSTEM SET ssl = 'on'; with ssl_cert_file and ssl_key_file), or set sslmode=prefer.",
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      message: "the server's certificate is for another host name",
      hint: 'Connect by a name of the certificate, or set sslmode=verify-ca to check only who signed it.',
    };
  }
  if (/CERT|SIGNED|ISSUER|^ERR_(?:TLS|SSL|OSSL)|^CRL_|^EPROTO$/.test(code)) {
    return {
      message: `no trusted TLS connection: ${text}`,
      hint: "Set sslrootcert to the file of the authority that signed the server's certificate.",
    };
  }
  return undefined;
}

function refusal(error: ServerErrorFields, state: string, attempt: LoginAttempt): LarderError {
  const message = `${addressText(attempt.address)}: ${serverErrorText(error)}`;
  const options = (hint: string) => ({ hint, cause: error });
  switch (state) {
    case '28000':
    case '28P01':
      return new LarderError(
        'SERVER_REFUSED_LOGIN',
        message,
        options(loginHint(error.message, attempt.user)),
      );
    case '3D000':
      return new LarderError(
        'SERVER_REFUSED_LOGIN',
        message,
        options('Name a database that exists; every one will do, the whole cluster is backed up.'),
      );
    case '42501':
      return new LarderError('SERVER_NOT_PRIVILEGED', message, options(privilegeHint(attempt)));
    case '53300':
      return new LarderError('SERVER_NO_SEAT', message, options(seatHint(error.message, attempt)));
    case '57P03':
      return new LarderError('SERVER_UNREACHABLE', message, options('Wait until it has started.'));
    default:
      return new LarderError('SERVER_ERROR', message, error.hint ? options(error.hint) : { cause: error });
  }
}

function loginHint(message: string, user: string): string {
  const role = quoteIdentifier(user);
  const line = hbaLineFor(message);
  if (line !== undefined) {
    const where = message.startsWith('pg_hba.conf rejects')
      ? 'above the line that rejects it'
      : 'to pg_hba.conf';
    return `Add this line ${where}, then run SELECT pg_reload_conf(); : ${line}`;
  }
  if (message.endsWith('does not exist')) return `CREATE ROLE ${role} LOGIN REPLICATION PASSWORD '…';`;
  if (message.endsWith('is not permitted to log in')) return `ALTER ROLE ${role} LOGIN;`;
  if (message.startsWith('Peer authentication')) {
    return `Run Larder as the system user of that name, or change its line in pg_hba.conf to: local all ${role} scram-sha-256`;
  }
  return `Check the password in DATABASE_PASSWORD_FILE, the connection URL or .pgpass; to set a new one: ALTER ROLE ${role} PASSWORD '…';`;
}

function privilegeHint(attempt: LoginAttempt): string {
  const role = quoteIdentifier(attempt.user);
  if (attempt.replication) return `ALTER ROLE ${role} REPLICATION;`;
  return `GRANT CONNECT ON DATABASE ${quoteIdentifier(attempt.database)} TO ${role};`;
}

function seatHint(message: string, attempt: LoginAttempt): string {
  if (message.includes('for role')) return `ALTER ROLE ${quoteIdentifier(attempt.user)} CONNECTION LIMIT 8;`;
  if (message.includes('for database')) {
    return `ALTER DATABASE ${quoteIdentifier(attempt.database)} CONNECTION LIMIT -1;`;
  }
  const setting =
    attempt.replication && message.includes('max_wal_senders') ? 'max_wal_senders' : 'max_connections';
  return `Wait for a free one, or raise ${setting} (SHOW ${setting}; ALTER SYSTEM SET ${setting} = …;) and restart the server.`;
}
