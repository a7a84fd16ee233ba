import { LarderError, toLarderError } from '../errors.ts';
import { removeInstanceHome, type InstanceHome } from '../postgres/server/instance-home.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { WantedTarget } from '../restore/recovery/parse-target.ts';
import { expectServerFor } from '../verify/proof/find-server.ts';
import type { Phases } from '../verify/proof/phases.ts';
import { chooseProofAccount } from '../verify/proof/proof-account.ts';
import { restoreIntoScratch } from '../verify/proof/restore-into-scratch.ts';
import { makeScratch } from '../verify/proof/scratch.ts';
import { startCopy, type RunningCopy } from '../verify/proof/start-copy.ts';
import type { PassedOver } from '../verify/proof-report.ts';
import { isDamage, olderThan, passedOver, type Candidates } from './candidates.ts';
import { chooseRecovery, type DrillRecovery } from './choose-recovery.ts';
import type { DrillContext, DrillRequest } from './drill-request.ts';
import { storedUntil } from './recovered-point.ts';

/** What came of the attempts to recover. */
export interface Recovered {
  /** Undefined when there was nothing left to try. */
  readonly copy: DisposableCopy | undefined;
  /** The last one that was tried. */
  readonly backup: CommitRecord;
  readonly recovery: DrillRecovery;
  /** Until when everything is stored that it can be rolled forward to, ms since 1970 UTC; undefined where nobody can tell. */
  readonly storedUntil: number | undefined;
  readonly passedOver: readonly PassedOver[];
  /** What a reader should know of the choice, in words. */
  readonly remarks: readonly string[];
}

/** Disposing ends its server and removes everything that was made for it. */
export interface DisposableCopy extends AsyncDisposable {
  readonly running: RunningCopy;
}

export interface RecoverParts {
  readonly request: DrillRequest;
  readonly context: DrillContext;
  readonly wanted: WantedTarget;
  readonly candidates: Candidates;
  readonly phases: Phases;
}

/**
 * Brings a copy up at the target, from the best backup that is whole: where the one before was damaged, from the next older
 * one of the same cluster.
 * @throws LarderError whatever is no damage of the repository: no binaries, no room, a store that does not answer
 */
export async function recover(parts: RecoverParts): Promise<Recovered> {
  const { candidates } = parts;
  const damaged = [...candidates.unreadable];
  let [backup] = candidates.backups;
  let id = candidates.firstId;
  for (;;) {
    if (backup === undefined || id === undefined) throw nothingToTry(damaged);
    const tried = await tryBackup(parts, { backup, id });
    const remarks = [...candidates.remarks, ...tried.recovery.remarks];
    if (tried.failure === undefined) return { ...tried, passedOver: damaged, remarks };
    damaged.push(passedOver(tried.backup.id, tried.failure));
    const older = olderThan(candidates, tried.backup);
    if (older === undefined) return { ...tried, copy: undefined, passedOver: damaged, remarks };
    [backup, id] = [older, older.id];
  }
}

interface Tried extends Omit<Recovered, 'passedOver' | 'remarks'> {
  /** That the backup is damaged. */
  readonly failure: LarderError | undefined;
}

async function tryBackup(
  parts: RecoverParts,
  begun: { readonly backup: CommitRecord; readonly id: string },
): Promise<Tried> {
  const { request, context, phases } = parts;
  const tried = await phases.time('plan', () => planWay(parts, begun));
  const home = await makeScratch({
    ...tried.backup,
    parents: request.scratch,
    account: await chooseProofAccount(),
    clock: context.clock,
  });
  try {
    return { ...tried, copy: await bringUp(parts, tried.recovery, home), failure: undefined };
  } catch (thrown) {
    await removeInstanceHome(home);
    const failure = toLarderError(thrown);
    if (!(failure instanceof NotRecovered) && !isDamage(failure)) throw failure;
    return { ...tried, copy: undefined, failure };
  }
}

async function planWay(
  { request: { store }, context, wanted }: RecoverParts,
  { backup, id }: { readonly backup: CommitRecord; readonly id: string },
): Promise<Pick<Tried, 'backup' | 'recovery' | 'storedUntil'>> {
  // before the log is planned with: a receiver may go on storing
  const stored = await storedUntil(store, backup);
  const recovery = await chooseRecovery(
    store,
    { backup, id, wanted },
    {
      signal: context.signal,
      onProgress: (done) => context.onProgress({ phase: 'checking the log', ...done }),
    },
  );
  const isOther = recovery.backup.id !== backup.id;
  return {
    backup: recovery.backup,
    recovery,
    storedUntil: isOther ? await storedUntil(store, recovery.backup) : stored,
  };
}

/** That no server came up on it says as much of a backup as a checksum does. */
class NotRecovered extends LarderError {}

async function bringUp(
  { request, context, phases }: RecoverParts,
  { backup, recovery }: DrillRecovery,
  home: InstanceHome,
): Promise<DisposableCopy> {
  const binaries = await expectServerFor(backup, request.binaries);
  const plan = await phases.time('restore', () =>
    restoreIntoScratch({ ...request, backup, recovery }, home, context),
  );
  context.onProgress({ phase: 'recovering', doneBytes: 0 });
  const running = await phases.time('start and replay', () =>
    startCopy(plan, home, { ...context, binaries }).catch(asVerdict),
  );
  const dispose = async (): Promise<void> => {
    await running[Symbol.asyncDispose]();
    await removeInstanceHome(home);
  };
  return { running, [Symbol.asyncDispose]: dispose };
}

function asVerdict(thrown: unknown): never {
  const error = toLarderError(thrown);
  if (error.code !== 'RESTORE_FAILED') throw error;
  // the server's log goes with the copy: its last words are all that stays of it
  const said = error.hint === undefined ? '' : `; ${error.hint.trim().replaceAll('\n', ' | ')}`;
  throw new NotRecovered(error.code, `${error.message}${said}`, { cause: error });
}

function nothingToTry(damaged: readonly PassedOver[]): LarderError {
  const [first] = damaged;
  if (first === undefined) {
    return new LarderError('BACKUP_UNKNOWN', 'there is no complete backup that ends before the target', {
      hint: '"larder list" shows what there is.',
    });
  }
  return new LarderError('VERIFICATION_FAILED', `no backup can be read; first: ${first.message}`, {
    hint: 'Look for another copy of the repository: larder drill --repository DIR.',
  });
}
