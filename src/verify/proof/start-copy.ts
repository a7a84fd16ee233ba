import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import type { Clock } from '../../clock.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import { findConfinement, type ConfinementLevel } from '../../postgres/server/confinement.ts';
import type { ServerBinaries } from '../../postgres/server/find-binaries.ts';
import type { InstanceHome } from '../../postgres/server/instance-home.ts';
import {
  openInstanceSession,
  withDatabase,
  withSettings,
  withUser,
} from '../../postgres/server/instance-session.ts';
import { launchInstance, type LaunchedInstance } from '../../postgres/server/instance.ts';
import { reachableBinaries } from '../../postgres/server/reachable-binaries.ts';
import { quietSettings } from '../../postgres/server/temporary-instance.ts';
import { majorOf } from '../../postgres/version.ts';
import { FetchServer } from '../../restore/fetch/fetch-server.ts';
import { assertLogKeepsOut, assertMayMakeTablespaces } from '../../restore/tablespaces/own-log.ts';
import type { KeepOut } from '../../restore/tablespaces/foreign-places.ts';
import type { RestorePlan } from '../../restore/plan.ts';
import { readRecoveryLog, unproven } from '../../restore/start/recovery-log.ts';
import { copySettings, sessionSettings } from './copy-settings.ts';
import { adviceFor, isHostFailure, isHostsLack } from './host-failure.ts';
import { keepOwnSettings } from './own-settings.ts';
import { superuserCandidates } from './superuser.ts';

const LOOK_INTERVAL = 50;
/** Lines of the server's log in an error. */
const LOG_TAIL = 10;

export interface StartCopyOptions {
  readonly binaries: ServerBinaries;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A restored copy that has recovered, and its server. */
export interface RunningCopy {
  /** URL of a superuser, through the unix socket; its sessions take no settings from the data. */
  readonly connection: string;
  /** The database that `connection` leads to. */
  readonly database: string;
  readonly home: InstanceHome;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly major: number;
  readonly processId: number;
  readonly confinement: ConfinementLevel;
  /** From the start of the process until connections were accepted. */
  readonly startSeconds: number;
  readonly isRunning: () => boolean;
  /** Ends it with a checkpoint, so that its files can be read. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a restored directory, kept to itself: its own account, no network and read-only file systems where the machine
 * allows it, nothing of the source's settings. Its recovery is fed by this process where the plan has one. Neither exit code
 * nor pid file is believed: the server's own log has to say that it came to the end.
 * @throws LarderError RESTORE_FAILED when the recovery failed, which is the copy's fault; INSTANCE_FAILED when this host's
 */
export async function startCopy(
  plan: RestorePlan,
  home: InstanceHome,
  options: StartCopyOptions,
): Promise<RunningCopy> {
  const { clock, signal } = options;
  const { backup, owner } = plan.request;
  const major = majorOf(backup.serverVersionNumber);
  await keepOwnSettings(home.dataDirectory, owner);
  const binaries = await reachableBinaries(options.binaries, home);
  const confinement = await findConfinement(home.user, writableDirectories(home));
  // its server would have our account, and see what we see
  const keepOut = confinement.level !== 'namespaces' && home.user === undefined ? 'everything' : 'occupied';
  if (keepOut === 'everything') await asHostsLack(() => assertKeepsToItself(plan));
  const settings = {
    ...(await quietSettings(home)),
    ...copySettings(major, backup.walSegmentSize),
  };
  const feeding = await feedRecovery(plan, { clock, keepOut });
  const began = clock.monotonic();
  try {
    const server = await launchInstance({ binaries, home, settings, command: confinement.command, clock });
    yieldToOthers(server.processId);
    try {
      await recovered(server, plan, { clock, signal, failure: feeding.failure });
      const startSeconds = (clock.monotonic() - began) / 1000;
      const login = await logIn(server.connection, home.dataDirectory, major);
      return describeCopy(server, { home, major, ...login, confinement: confinement.level, startSeconds });
    } catch (error) {
      await server.stop('immediate');
      throw error;
    }
  } finally {
    await feeding.stop();
  }
}

async function assertKeepsToItself({ request: { backup }, target, tablespaces }: RestorePlan): Promise<void> {
  const own = tablespaces.map(({ directory }) => directory);
  await assertMayMakeTablespaces(backup, { own, keepOut: 'everything' });
  await assertLogKeepsOut(target.path, backup, 'everything');
}

/** What this host must not let happen is no fault of the copy. */
async function asHostsLack(look: () => Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'RESTORE_REFUSED') throw error;
    const { message, hint } = error;
    throw new LarderError('INSTANCE_FAILED', message, {
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    });
  }
}

/** All of its processes inherit it, and the kernel's weight for the disk follows it. */
function yieldToOthers(processId: number): void {
  try {
    setPriority(processId, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // it has ended already, or is another account's: no reason to prove nothing
  }
}

function describeCopy(
  server: LaunchedInstance,
  facts: Pick<RunningCopy, 'home' | 'major' | 'connection' | 'database' | 'confinement' | 'startSeconds'>,
): RunningCopy {
  return {
    ...facts,
    dataDirectory: facts.home.dataDirectory,
    logFile: server.logFile,
    processId: server.processId,
    isRunning: server.isRunning,
    stop: () => server.stop('fast'),
    [Symbol.asyncDispose]: () => server.stop('immediate'),
  };
}

function writableDirectories({ directory, socketDirectory }: InstanceHome): string[] {
  return socketDirectory.startsWith(`${directory}/`) ? [directory] : [directory, socketDirectory];
}

interface Feeding {
  /** Why the server could not be given what it asked for, as far as it got. */
  readonly failure: (log: string) => LarderError | undefined;
  stop(): Promise<void>;
}

/** Gives the server the log of the repository, so that it needs no access of its own. */
async function feedRecovery(
  { request, target }: RestorePlan,
  { clock, keepOut }: { readonly clock: Clock; readonly keepOut: KeepOut },
): Promise<Feeding> {
  const { recovery: plan, store, location } = request;
  const failures: LarderError[] = [];
  if (plan === undefined) return { failure: () => undefined, stop: () => Promise.resolve() };
  const onFailure = (error: LarderError): void => void failures.push(error);
  const feeder = await FetchServer.open({
    store,
    location,
    plan,
    dataDirectory: target.path,
    clock,
    keepOut,
    onFailure,
  });
  const end = new AbortController();
  // its end may come long before anybody waits for it
  const serving = feeder.run(end.signal).catch((error: unknown) => onFailure(toLarderError(error)));
  const stop = async (): Promise<void> => {
    end.abort();
    await serving;
  };
  const failure = (log: string): LarderError | undefined =>
    failures[0] ?? feeder.cutOffAt(readRecoveryLog(log).redoDone);
  return { failure, stop };
}

interface Waiting extends Pick<StartCopyOptions, 'clock' | 'signal'>, Pick<Feeding, 'failure'> {}

/** Until the server accepts connections, or has ended; then its log has to tell that it reached what it was to reach. */
async function recovered(
  server: LaunchedInstance,
  plan: RestorePlan,
  { clock, signal, failure }: Waiting,
): Promise<void> {
  for (;;) {
    const ran = server.isRunning();
    const text = await readFile(server.logFile, 'utf8');
    const log = readRecoveryLog(text);
    if (log.fatal !== undefined || !ran || log.accepting) {
      const problem = unproven(log, plan.request.recovery?.target, true);
      if (problem === undefined) return;
      throw recoveryFailed(text, problem, failure(text));
    }
    await clock.sleep(LOOK_INTERVAL, signal);
  }
}

/** Where it never said a word, what was to keep it to itself has failed, which is nothing that a backup could do. */
const WORDS_OF_POSTGRES = /LOG: {2}starting PostgreSQL|FATAL: |PANIC: |^postgres: /m;

/** What the server could not be given since the archive does not have it; all else is what this host or the store lacks. */
function isOfArchive({ code }: LarderError): boolean {
  return code === 'OBJECT_DAMAGED' || code === 'OBJECT_MISSING' || code === 'WAL_GAP';
}

function recoveryFailed(text: string, problem: string, failure: LarderError | undefined): LarderError {
  const said = text.trimEnd().split('\n').slice(-LOG_TAIL).join('\n');
  const why = failure === undefined ? '' : `; ${failure.message}`;
  const hint = [failure?.hint, adviceFor(text), `PostgreSQL said last:\n${said}`]
    .filter((part) => part !== undefined)
    .join('\n');
  const isOurs = failure !== undefined && !isOfArchive(failure);
  if (isOurs || isHostFailure(text) || !WORDS_OF_POSTGRES.test(text))
    return new LarderError('INSTANCE_FAILED', `this host could not run the copy: ${problem}${why}`, { hint });
  return new LarderError('RESTORE_FAILED', `the recovery of the copy failed: ${problem}${why}`, { hint });
}

type Login = Pick<RunningCopy, 'connection' | 'database'>;

/** One of them every cluster has, whatever was done to the others. */
const DATABASES = ['template1', 'postgres', 'template0'];

/** Says nothing of the data: a name of the list that is no role or database any more, and `template0`. */
const NOT_TO_BE_ENTERED =
  /(?:role|database) ".*" does not exist|is not currently accepting connections|is not permitted to log in/;

/** Logs in as a role that is a superuser. Throws RESTORE_FAILED where that cannot be done, INSTANCE_FAILED where this host is why. */
async function logIn(socket: string, dataDirectory: string, major: number): Promise<Login> {
  const problems: string[] = [];
  for (const name of await superuserCandidates(dataDirectory)) {
    for (const database of DATABASES) {
      const url = withDatabase(withUser(socket, name), database);
      const connection = withSettings(url, sessionSettings(major));
      try {
        await using session = await openInstanceSession(connection);
        const [row] = await session.query('SELECT rolsuper FROM pg_roles WHERE rolname = current_user');
        if (row?.['rolsuper'] === true) return { connection, database };
      } catch (error) {
        problems.push(Error.isError(error) ? error.message : String(error));
      }
    }
  }
  const lack = problems.find(isHostsLack);
  const ofCopy = problems.find((problem) => !isHostsLack(problem) && !NOT_TO_BE_ENTERED.test(problem));
  if (lack !== undefined && ofCopy === undefined) {
    throw new LarderError('INSTANCE_FAILED', `this host cannot run the copy: ${lack}`, {
      hint: 'Install on this host what the source has: its locales, and the libraries of its extensions.',
    });
  }
  const why = ofCopy ?? problems[0] ?? 'its list of roles names none';
  throw new LarderError('RESTORE_FAILED', `no superuser can log in to the copy: ${why}`);
}
