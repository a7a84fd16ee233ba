import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { LarderError } from '../errors.ts';
import { isSocketDirectory } from './connection-settings.ts';
import type { ConnectionSettings, HostAddress, Login, TlsMode } from './connection-settings.ts';
import { loginError } from './login-error.ts';
import { sqlState } from './server-error.ts';
import { tlsOptions } from './tls-options.ts';

/** How long a silent connection may be idle before the kernel asks whether the server is still there. */
const KEEPALIVE_DELAY_MS = 30_000;

export interface OpenOptions {
  /** Opens a physical replication connection: replication commands only, no SQL. */
  readonly replication?: boolean;
  /** Makes the socket of an unencrypted connection, for a reader that has its own buffer; TLS makes its own. */
  readonly createSocket?: () => Socket;
  /** Gives up connecting; the connection itself outlives it. */
  readonly signal?: AbortSignal;
}

/**
 * Logs in to the first host that can be reached. The client has a listener for 'error', so a lost connection never
 * ends the process: the running query fails instead. Throws SERVER_UNREACHABLE, SERVER_TLS, SERVER_REFUSED_LOGIN,
 * SERVER_NOT_PRIVILEGED, SERVER_NO_SEAT, SERVER_ERROR, CONFIG_INVALID, or the signal's reason.
 */
export async function openClient(
  settings: ConnectionSettings,
  options: OpenOptions = {},
): Promise<pg.Client> {
  const failures: LarderError[] = [];
  for (const address of settings.hosts) {
    try {
      return await tryHost(settings, { address, replication: options.replication ?? false }, options);
    } catch (error) {
      // as libpq: only a host that is not there, or not ready, makes way for the next one
      if (!(error instanceof LarderError) || error.code !== 'SERVER_UNREACHABLE') throw error;
      failures.push(error);
    }
  }
  throw allUnreachable(failures);
}

async function tryHost(settings: ConnectionSettings, login: Login, options: OpenOptions): Promise<pg.Client> {
  const [first, second] = encryptionOrder(settings.tls.mode, login.address);
  try {
    return await logIn(settings, { ...login, encrypted: first }, options);
  } catch (error) {
    if (second === undefined || !otherEncryptionMayHelp(error)) throw error;
    return logIn(settings, { ...login, encrypted: second }, options);
  }
}

/** Whether to ask for TLS, in the order to try. A unix socket never has any. */
export function encryptionOrder(mode: TlsMode, address: HostAddress): readonly [boolean, boolean?] {
  if (mode === 'disable' || isSocketDirectory(address.host)) return [false];
  if (mode === 'prefer') return [true, false];
  if (mode === 'allow') return [false, true];
  return [true];
}

function otherEncryptionMayHelp(error: unknown): boolean {
  return (error instanceof LarderError && error.code === 'SERVER_TLS') || sqlState(error) === '28000';
}

/** `pg` sends it in the startup packet; its types do not know it. */
interface ClientConfig extends pg.ClientConfig {
  readonly replication?: string;
}

async function logIn(
  settings: ConnectionSettings,
  login: Login & { readonly encrypted: boolean },
  options: OpenOptions,
): Promise<pg.Client> {
  options.signal?.throwIfAborted();
  const ssl = login.encrypted ? await tlsOptions(settings.tls) : false;
  const client = new pg.Client(clientConfig(settings, login, { ssl, createSocket: options.createSocket }));
  client.on('error', () => undefined);
  const giveUp = () => void client.connection.stream.destroy();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await client.connect();
    return client;
  } catch (error) {
    giveUp();
    options.signal?.throwIfAborted();
    throw loginError(error, { ...login, user: settings.user, database: settings.database });
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

/** Names every option that `pg` would otherwise take from the process's environment. */
function clientConfig(
  settings: ConnectionSettings,
  login: Login,
  transport: { ssl: ConnectionOptions | false; createSocket: (() => Socket) | undefined },
): ClientConfig {
  return {
    host: login.address.host,
    port: login.address.port,
    user: settings.user,
    database: settings.database,
    password: () => askPassword(settings, login),
    application_name: settings.applicationName,
    ssl: transport.ssl,
    sslnegotiation: 'postgres',
    enableChannelBinding: transport.ssl !== false,
    // also keeps PGOPTIONS of the process out
    options: '-c client_encoding=UTF8',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    connectionTimeoutMillis: settings.connectTimeout,
    ...(login.replication ? { replication: 'true' } : {}),
    ...(transport.ssl === false && transport.createSocket !== undefined
      ? { stream: transport.createSocket }
      : {}),
  };
}

/** Called only when the server asks for a password. */
async function askPassword(settings: ConnectionSettings, login: Login): Promise<string> {
  const password = await settings.password(login);
  if (password !== undefined) return password;
  throw new LarderError(
    'SERVER_REFUSED_LOGIN',
    `the server asks for a password of role ${settings.user}, and none is known`,
    {
      hint: 'Set DATABASE_PASSWORD_FILE, or add a line for it to ~/.pgpass.',
    },
  );
}

function allUnreachable(failures: readonly LarderError[]): LarderError {
  const [only, second] = failures;
  if (only !== undefined && second === undefined) return only;
  const hint = failures.at(-1)?.hint;
  return new LarderError('SERVER_UNREACHABLE', failures.map((failure) => failure.message).join('; '), {
    ...(hint === undefined ? {} : { hint }),
    cause: failures.at(-1),
  });
}
