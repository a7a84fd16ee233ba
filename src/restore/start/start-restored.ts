import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import { findServerBinaries, type ServerBinaries } from '../../postgres/server/find-binaries.ts';
import { INSTANCE_ENVIRONMENT } from '../../postgres/server/instance-environment.ts';
import {
  prepareInstanceHome,
  removeInstanceHome,
  type InstanceHome,
} from '../../postgres/server/instance-home.ts';
import type { InstanceUser } from '../../postgres/server/instance-user.ts';
import { launchInstance, type LaunchedInstance } from '../../postgres/server/instance.ts';
import { reachableBinaries } from '../../postgres/server/reachable-binaries.ts';
import { quietSettings } from '../../postgres/server/temporary-instance.ts';
import { majorOf } from '../../postgres/version.ts';
import { FetchServer } from '../fetch/fetch-server.ts';
import type { RestorePlan } from '../plan.ts';
import { readRecoveryLog, unproven, type RecoveryLog } from './recovery-log.ts';

const LOOK_INTERVAL = 50;

export interface StartOptions {
  readonly owner: InstanceUser | undefined;
  /** The value of PATH. */
  readonly searchPath: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `stopped`: prove the copy and stop it again. */
  readonly leave: 'running' | 'stopped';
}

export interface Started {
  /** PostgreSQL's own words for where it stopped. */
  readonly reached: string;
  /** From the start of the server to the proof. */
  readonly seconds: number;
  /** The timeline it was promoted to. */
  readonly timeline: number | undefined;
  readonly running: boolean;
  /** Of the server that was left running. */
  readonly logFile: string;
}

/**
 * Proves a restored directory: a server replays the log on it, apart from everything else and fed by this process, and has
 * to say itself that it reached the target. Then it is started for good, with the settings it was restored with.
 * @throws LarderError RESTORE_FAILED with what PostgreSQL said and which file could not be given; INSTANCE_FAILED
 */
export async function startRestored(plan: RestorePlan, options: StartOptions): Promise<Started> {
  const installed = await findProgram(plan, options);
  const home = await prepareInstanceHome(await mkdtemp(join(tmpdir(), 'larder-proof-')), options.owner);
  const logFile = join(plan.target.path, 'startup.log');
  try {
    const binaries = await reachableBinaries(installed, home);
    const began = options.clock.monotonic();
    const log = await prove(plan, { ...home, dataDirectory: plan.target.path }, { ...options, binaries });
    const seconds = (options.clock.monotonic() - began) / 1000;
    const running = options.leave === 'running' && plan.request.recovery?.action !== 'shutdown';
    if (running) await startForGood(binaries, { plan, options, logFile });
    return {
      reached: log.stopping ?? 'to the end of the backup',
      seconds,
      timeline: log.timeline,
      running,
      logFile,
    };
  } finally {
    await removeInstanceHome(home);
  }
}

async function findProgram({ request }: RestorePlan, { searchPath }: StartOptions): Promise<ServerBinaries> {
  const major = majorOf(request.backup.serverVersionNumber);
  const found = await findServerBinaries(major, searchPath === undefined ? {} : { searchPath });
  if (found !== undefined) return found;
  throw new LarderError('INSTANCE_FAILED', `no PostgreSQL ${major} was found here to start the copy with`, {
    hint: 'Install it, or leave --start out.',
  });
}

/** Runs the recovery to its end, then stops the server. */
async function prove(
  plan: RestorePlan,
  home: InstanceHome,
  options: StartOptions & { readonly binaries: ServerBinaries },
): Promise<RecoveryLog> {
  const { recovery } = plan.request;
  const failures: LarderError[] = [];
  const stop = new AbortController();
  // before the server: it would start a process of its own to be fed by
  const feeder = await openFeeder(plan, { clock: options.clock, failures });
  // its end may come long before anybody waits for it
  const serving = feeder
    ?.run(stop.signal)
    .catch((error: unknown) => void failures.push(toLarderError(error)));
  try {
    const server = await launchInstance({ ...options, home, settings: await proofSettings(plan, home) });
    try {
      await waitForEnd(server, home, options);
    } finally {
      await server.stop('fast');
    }
    const text = await readFile(home.logFile, 'utf8');
    const log = readRecoveryLog(text);
    const promoted = recovery === undefined || recovery.action === 'promote';
    const problem = unproven(log, recovery?.target, promoted);
    const failure = failures[0] ?? feeder?.cutOffAt(log.redoDone);
    if (problem !== undefined) throw notReached(plan, { problem, failure, text });
    return log;
  } finally {
    stop.abort();
    await serving;
  }
}

async function proofSettings(
  plan: RestorePlan,
  home: InstanceHome,
): Promise<Readonly<Record<string, string>>> {
  const { recovery } = plan.request;
  // a server that pauses is left alone only later: for the proof it stops at the same place
  const action =
    recovery === undefined || recovery.action === 'promote' ? {} : { recovery_target_action: 'shutdown' };
  return {
    ...(await quietSettings(home)),
    ...walSizes(plan.request.backup.walSegmentSize),
    lc_messages: 'C',
    log_min_messages: 'warning',
    ...action,
  };
}

/** PostgreSQL refuses limits below two segments, which its defaults are for large ones. */
function walSizes(segmentSize: number): Readonly<Record<string, string>> {
  const megabytes = Math.max(512, (4 * segmentSize) / 1024 ** 2);
  return { min_wal_size: `${megabytes}MB`, max_wal_size: `${2 * megabytes}MB` };
}

/** Feeds the server from the repository, so that it needs no access of its own; what it could not be given is kept. */
async function openFeeder(
  { request, target }: RestorePlan,
  { clock, failures }: { readonly clock: Clock; readonly failures: LarderError[] },
): Promise<FetchServer | undefined> {
  const { recovery: plan, store, location } = request;
  if (plan === undefined) return undefined;
  const onFailure = (error: LarderError): void => void failures.push(error);
  return FetchServer.open({ store, location, plan, dataDirectory: target.path, clock, onFailure });
}

/** Until it accepts connections, or has ended. */
async function waitForEnd(
  server: LaunchedInstance,
  home: InstanceHome,
  { clock, signal }: StartOptions,
): Promise<void> {
  while (server.isRunning()) {
    const log = readRecoveryLog(await readFile(home.logFile, 'utf8'));
    if (log.accepting || log.fatal !== undefined) return;
    await clock.sleep(LOOK_INTERVAL, signal);
  }
}

function notReached(
  { target }: RestorePlan,
  found: { readonly problem: string; readonly failure: LarderError | undefined; readonly text: string },
): LarderError {
  const { problem, failure, text } = found;
  const said = text.trimEnd().split('\n').slice(-5).join('\n');
  const why = failure === undefined ? '' : `; ${failure.message}`;
  return new LarderError(
    'RESTORE_FAILED',
    `the copy in ${target.path} did not reach its target: ${problem}${why}`,
    {
      hint: `${failure?.hint ?? 'Do not use it: it holds less than was asked for. "larder wal status" tells what the archive has.'} PostgreSQL said last:\n${said}`,
      cause: failure,
    },
  );
}

async function startForGood(
  binaries: ServerBinaries,
  {
    plan,
    options,
    logFile,
  }: { readonly plan: RestorePlan; readonly options: StartOptions; readonly logFile: string },
): Promise<void> {
  const { owner } = options;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  execFile(
    join(binaries.directory, 'pg_ctl'),
    ['-D', plan.target.path, '-l', logFile, '-w', 'start'],
    {
      env: INSTANCE_ENVIRONMENT,
      cwd: '/',
      ...(owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }),
    },
    (error) => (error === null ? resolve(undefined) : reject(error)),
  );
  try {
    await promise;
  } catch (error) {
    throw new LarderError(
      'INSTANCE_FAILED',
      `the copy is proven, but its server does not start: ${logFile} tells why`,
      {
        hint: 'Often its port is taken by the server it is a copy of: start it with -o "-p 5433", or restore with --port.',
        cause: error,
      },
    );
  }
}
