import type { Clock } from '../../clock.ts';
import { LarderError, toLarderError } from '../../errors.ts';
import type { BinariesSearch } from '../../postgres/server/find-binaries.ts';
import { removeInstanceHome, type InstanceHome } from '../../postgres/server/instance-home.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import type { RestorePlan } from '../../restore/plan.ts';
import type { ObjectStore, StoreLocation } from '../../storage/object-store.ts';
import type { Check, ProofReport } from '../proof-report.ts';
import { checkOf, copyFinding } from './answer.ts';
import { checkCopy, checkServerLog, type CheckedCopy } from './check-copy.ts';
import { checkStopped } from './check-stopped-copy.ts';
import { checkStored } from './check-stored.ts';
import type { UserCheck } from './checks/user-check.ts';
import { expectServerFor } from './find-server.ts';
import { Phases } from './phases.ts';
import type { ProofContext } from './proof-context.ts';
import { chooseProofAccount } from './proof-account.ts';
import { restoreIntoScratch } from './restore-into-scratch.ts';
import { leaveKept, openKept } from './kept-scratch.ts';
import { makeScratch } from './scratch.ts';
import { listProofs } from '../../repository/proof-state.ts';
import { startCopy, type RunningCopy } from './start-copy.ts';
import { believableSince, CLOCK_TICK } from './touched-files.ts';
import { verdictOf } from './verdict.ts';

export interface ProofRequest {
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
  readonly backup: CommitRecord;
  /** Threads that read, decompress and check. */
  readonly workers: number;
  /** `full` also reads every value of every table, and looks at indexes more closely. */
  readonly level: 'restore' | 'full';
  /** Absolute directories below which the copy may be made; the first that its server's account can reach is taken. */
  readonly scratch: readonly string[];
  /**
   * Keeps the copy under this name and brings it to the next backup, so that a proof costs what changed. What nobody has written to
   * since it was proven is then looked at by `full` alone.
   */
  readonly keep?: string | undefined;
  readonly userChecks: readonly UserCheck[];
  /** Sessions of the copy that look at its relations side by side. */
  readonly concurrency: number;
  readonly binaries: BinariesSearch;
  readonly larderVersion: string;
}

/**
 * Restores a backup by the normal way into a directory of its own, lets a server of its major version recover it, and looks
 * at everything that it then holds. What is wrong with the backup is in the report. Nothing is written to the repository.
 *
 * @throws LarderError what keeps it from being proven, which is no verdict: RESTORE_REFUSED (no room), INSTANCE_FAILED (no
 *   server of that version, or this host cannot run it), the store's errors, the signal's reason
 */
export async function proveBackup(request: ProofRequest, context: ProofContext): Promise<ProofReport> {
  const { backup } = request;
  const { clock } = context;
  const binaries = await expectServerFor(backup, request.binaries);
  const place = await openScratch(request, clock);
  const { home } = place;
  try {
    const proof = new Proof({ ...request, ...(await leftOut(request, place, clock)) }, context);
    await proof.stored();
    const plan = proof.failed ? undefined : await proof.restore(home);
    const copy =
      plan === undefined
        ? undefined
        : await proof.start(() => startCopy(plan, home, { ...context, binaries }));
    if (copy !== undefined) await proof.check(copy);
    const report = proof.report();
    if (!place.kept || report.verdict === 'failed') await removeInstanceHome(home);
    else await leaveKept(home, backup.id);
    return report;
  } catch (error) {
    await removeInstanceHome(home);
    throw error;
  }
}

interface Place {
  readonly home: InstanceHome;
  readonly kept: boolean;
  /** The backup that the copy which lies there was proven for. */
  readonly proven: string | undefined;
}

/** A kept directory that another process uses is left to it. */
async function openScratch({ scratch, keep, backup }: ProofRequest, clock: Clock): Promise<Place> {
  const request = { ...backup, parents: scratch, account: await chooseProofAccount(), clock };
  const kept = keep === undefined ? undefined : await openKept(request, keep);
  if (kept !== undefined) return { ...kept, kept: true };
  return { home: await makeScratch(request), kept: false, proven: undefined };
}

/** What need not be looked at again, since the copy that lies there was proven for an earlier backup. */
async function leftOut(
  { store, level }: ProofRequest,
  { proven }: Place,
  clock: Clock,
): Promise<Pick<ProofUse, 'over' | 'restored' | 'touchedSince'>> {
  if (proven === undefined) return {};
  if (level === 'full') return { over: true };
  const [last] = (await listProofs(store, proven)).slice(-1);
  if (last?.result !== 'verified') return { over: true };
  return { over: true, restored: true, touchedSince: clock.now() - CLOCK_TICK };
}

interface ProofUse extends ProofRequest {
  readonly over?: boolean;
  readonly restored?: boolean;
  readonly touchedSince?: number;
}

/** A proof under way: what was seen, and how long it took. */
class Proof {
  readonly #request: ProofUse;
  readonly #context: ProofContext;
  readonly #phases: Phases;
  readonly #began: number;
  readonly #beganAt: number;
  readonly #checks: Check[] = [];
  #found: Pick<CheckedCopy, 'reached' | 'host'> | undefined;

  constructor(request: ProofUse, context: ProofContext) {
    this.#request = request;
    this.#context = context;
    this.#phases = new Phases(context.clock);
    this.#began = context.clock.monotonic();
    this.#beganAt = context.clock.now();
  }

  /** Whether a check has failed that makes the next step pointless. */
  get failed(): boolean {
    return verdictOf(this.#checks) === 'failed';
  }

  async stored(): Promise<void> {
    const checks = await this.#phases.time('stored objects', () => checkStored(this.#request, this.#context));
    this.#checks.push(...checks);
  }

  /** `undefined` where it fails by the backup's fault. */
  restore(home: InstanceHome): Promise<RestorePlan | undefined> {
    return this.#phases.time('restore', () =>
      this.#attempt('restore', () => restoreIntoScratch(this.#request, home, this.#context)),
    );
  }

  start(launch: () => Promise<RunningCopy>): Promise<RunningCopy | undefined> {
    this.#context.onProgress({ phase: 'recovering', doneBytes: 0 });
    return this.#phases.time('start and replay', () => this.#attempt('recovery', launch));
  }

  /** Looks at the running copy, stops it, and looks at what is left. */
  async check(copy: RunningCopy): Promise<void> {
    const { clock, signal, onProgress } = this.#context;
    try {
      const found = await this.#phases.time('check', () =>
        checkCopy(
          copy,
          { ...this.#request, touchedSince: this.#touchedSince(), rolledForward: false },
          {
            clock,
            signal,
            onProgress: (done) => onProgress({ phase: 'checking', ...done }),
          },
        ),
      );
      this.#checks.push(...found.checks);
      this.#found = found;
      await copy.stop();
    } finally {
      await copy[Symbol.asyncDispose]();
    }
    const stopped = { ...this.#request, touchedSince: this.#touchedSince() };
    this.#checks.push(await this.#phases.time('pages', () => checkStopped(copy, stopped, this.#context)));
    this.#checks.push(await checkServerLog(copy, clock));
  }

  #touchedSince(): number | undefined {
    const { clock } = this.#context;
    const passed = clock.monotonic() - this.#began;
    return believableSince(this.#request.touchedSince, passed, clock.now() - this.#beganAt);
  }

  report(): ProofReport {
    const { backup, level, larderVersion } = this.#request;
    const verdict = verdictOf(this.#checks);
    // nobody may ever read "verified" of a backup that no server ran on
    if (verdict !== 'failed' && this.#found === undefined)
      throw new LarderError('INTERNAL', `${backup.id} was not looked at, and no check says why`);
    return {
      backup: backup.id,
      level,
      verdict,
      began: new Date(this.#beganAt).toISOString(),
      seconds: (this.#context.clock.monotonic() - this.#began) / 1000,
      phases: this.#phases.all,
      checks: this.#checks,
      reached: this.#found?.reached ?? null,
      host: this.#found?.host ?? NOTHING_RAN,
      larderVersion,
    };
  }

  /** What is the backup's fault becomes a failed check. */
  async #attempt<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    const began = this.#context.clock.monotonic();
    try {
      return await work();
    } catch (thrown) {
      const error = toLarderError(thrown);
      if (!isOfBackup(error)) throw thrown;
      const seconds = (this.#context.clock.monotonic() - began) / 1000;
      this.#checks.push(checkOf(name, failure(error), seconds));
      return undefined;
    }
  }
}

const NOTHING_RAN: ProofReport['host'] = {
  serverVersion: 'none was run',
  libc: null,
  icu: null,
  confinement: 'account',
};

const OF_BACKUP: readonly string[] = ['OBJECT_DAMAGED', 'OBJECT_MISSING', 'RESTORE_FAILED'];

function isOfBackup({ code }: LarderError): boolean {
  return OF_BACKUP.includes(code);
}

function failure(error: LarderError): Parameters<typeof checkOf>[1] {
  const { code, message, hint } = error;
  const finding = { ...copyFinding(message), code };
  return { detail: hint ?? 'failed', findings: [finding], exceptions: [] };
}
