import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { LarderError } from '../../errors.ts';
import type { ServerBinaries } from './find-binaries.ts';
import { INSTANCE_ENVIRONMENT } from './instance-environment.ts';
import type { InstanceHome } from './instance-home.ts';
import { waitUntilAnswering } from './readiness.ts';

export interface InstanceOptions {
  readonly binaries: ServerBinaries;
  readonly home: InstanceHome;
  /** Given on the command line, so they win over every file of the data directory; anybody can read them with `ps`. */
  readonly settings: Readonly<Record<string, string>>;
  /** The role of `connection`; `postgres` unless the cluster was made with another. */
  readonly superuser?: string;
  /** Listens on 127.0.0.1 too; without it the unix socket is the only way in. */
  readonly tcpPort?: number;
  /** What stands before the server's command line, and changes to its account itself; see `findConfinement`. */
  readonly command?: readonly string[];
  /** Milliseconds until connections must be answered; a recovery from an archive needs more than the default 60,000. */
  readonly startTimeout?: number;
  readonly clock: Clock;
  /** Ends the start; an instance that runs already is stopped by `stop`. */
  readonly signal?: AbortSignal;
}

/** A running PostgreSQL server that Larder started and must stop. */
export interface Instance {
  /** URL of the superuser and the database `postgres`, through the unix socket, no password. */
  readonly connection: string;
  readonly processId: number;
  readonly logFile: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /**
   * `fast` ends sessions and checkpoints, `immediate` leaves the cluster to crash recovery. Resolves when the process is
   * gone; after 30 s of patience it is ended the harder way.
   */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_START_TIMEOUT = 60_000;
const STOP_PATIENCE = 30_000;
const SOCKET_PORT = 5432;

/**
 * Starts the server of the home's data directory and waits until it answers. Throws INSTANCE_FAILED with the last lines
 * of its log when it ends or stays silent; then, and on abort, no process is left.
 */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { home, clock } = options;
  const launched = await launchInstance(options);
  try {
    const outcome = await waitUntilAnswering({
      connection: launched.connection,
      isRunning: launched.isRunning,
      deadline: clock.monotonic() + (options.startTimeout ?? DEFAULT_START_TIMEOUT),
      clock,
      signal: options.signal,
    });
    if (outcome !== 'answering') throw await startFailure(home, outcome);
  } catch (error) {
    await launched.stop('immediate');
    throw error;
  }
  return launched;
}

/** A server whose process runs; whether it will ever answer is for the caller to find out. */
export interface LaunchedInstance extends Instance {
  readonly isRunning: () => boolean;
}

/** Starts the server's process and does not wait for it: a recovery may end in other ways than by answering. */
export async function launchInstance(options: InstanceOptions): Promise<LaunchedInstance> {
  options.signal?.throwIfAborted();
  const { home } = options;
  const { child, ended } = await spawnServer(options);
  const stop = async (mode: 'fast' | 'immediate'): Promise<void> => stopServer(child, ended, mode);
  const connection = socketUrl(home.socketDirectory, options);
  return {
    isRunning: () => child.exitCode === null && child.signalCode === null,
    connection,
    processId: child.pid ?? 0,
    logFile: home.logFile,
    ended,
    stop,
    [Symbol.asyncDispose]: async () => stop('immediate'),
  };
}

function socketUrl(socketDirectory: string, options: Pick<InstanceOptions, 'superuser' | 'tcpPort'>): string {
  const user = encodeURIComponent(options.superuser ?? 'postgres');
  const port = String(options.tcpPort ?? SOCKET_PORT);
  // the directory stands in the query, which libpq understands too
  return `postgresql://${user}@/postgres?host=${encodeURIComponent(socketDirectory)}&port=${port}`;
}

/** The server's command line; the later `-c` wins, so nobody's settings open it to the network. */
export function serverArguments(options: Pick<InstanceOptions, 'home' | 'settings' | 'tcpPort'>): string[] {
  const settings: Record<string, string> = {
    ...options.settings,
    listen_addresses: options.tcpPort === undefined ? '' : '127.0.0.1',
    port: String(options.tcpPort ?? SOCKET_PORT),
    unix_socket_directories: options.home.socketDirectory,
    log_destination: 'stderr',
    logging_collector: 'off',
  };
  return [
    ...['-D', options.home.dataDirectory],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** Each program of it becomes the next one, so that the process stays the same one up to the server. */
function commandLine(options: InstanceOptions): string[] {
  const program = join(options.binaries.directory, 'postgres');
  return [...(options.command ?? []), program, ...serverArguments(options)];
}

interface SpawnedServer {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

async function spawnServer(options: InstanceOptions): Promise<SpawnedServer> {
  const { binaries, home } = options;
  const log = await open(home.logFile, 'a', 0o600);
  try {
    const [program = '', ...rest] = commandLine(options);
    const changesAccount = (options.command ?? []).length > 0;
    const child = spawn(program, rest, {
      cwd: home.directory,
      env: INSTANCE_ENVIRONMENT,
      stdio: ['ignore', log.fd, log.fd],
      // its own session: Ctrl-C in a terminal must not stop it before whoever is using it
      detached: true,
      ...(home.user === undefined || changesAccount ? {} : { uid: home.user.uid, gid: home.user.gid }),
    });
    // before anything is waited for: a server that ends at once would have ended unseen, and be waited for without an end
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await once(child, 'spawn');
    return { child, ended };
  } catch (error) {
    throw new LarderError('INSTANCE_FAILED', `postgres of ${binaries.directory} could not be run`, {
      hint: 'Check that the file exists and is built for this machine.',
      cause: error,
    });
  } finally {
    await log.close();
  }
}

async function stopServer(
  child: ChildProcess,
  ended: Promise<void>,
  mode: 'fast' | 'immediate',
): Promise<void> {
  // a fast stop waits for every walsender's client, an immediate one for every backend: neither may hold us for ever
  const signals: NodeJS.Signals[] =
    mode === 'fast' ? ['SIGINT', 'SIGQUIT', 'SIGKILL'] : ['SIGQUIT', 'SIGKILL'];
  for (const signal of signals) {
    if (!child.kill(signal)) break;
    if (await endsWithin(ended, STOP_PATIENCE)) return;
  }
  await ended;
}

async function endsWithin(ended: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  const result = await Promise.race([ended.then(() => true as const), patience]);
  clearTimeout(timer);
  return result;
}

async function startFailure(home: InstanceHome, outcome: 'ended' | 'silent'): Promise<LarderError> {
  const log = await readFile(home.logFile, 'utf8').catch(() => '');
  const what = outcome === 'ended' ? 'ended while starting' : 'did not answer in time';
  return new LarderError('INSTANCE_FAILED', `the PostgreSQL instance in ${home.dataDirectory} ${what}`, {
    hint: `Its log ends with:\n${log.trimEnd().split('\n').slice(-20).join('\n')}`,
  });
}
