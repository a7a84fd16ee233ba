import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import { writeMark } from '../repository/expiry-mark.ts';
import { acquireLease, type Lease } from '../repository/lease.ts';
import { sweepLeftovers } from '../repository/leftovers.ts';
import { assertPresent, openRepository } from '../repository/repository.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { LARGEST_SKEW, type RetentionPolicy } from './policy.ts';
import { readRetentionState } from './read-facts.ts';
import { removeBackup } from './remove-backup.ts';
import { removeLog } from './remove-log.ts';
import { planRetention, type RetentionFacts, type RetentionPlan } from './retention-plan.ts';
import { stepsOf, type LogRemoval, type RetentionSteps } from './steps.ts';

export interface PruneRequest {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly policy: RetentionPolicy;
  /** How long to wait for another writer, milliseconds. */
  readonly leaseWait: number;
  /**
   * The server's clock minus ours, milliseconds; undefined when nobody was asked, by the user's decision. Rejects when the
   * server cannot be asked.
   */
  readonly clockSkew: (signal: AbortSignal) => Promise<number | undefined>;
  /** What the newest run of a backup failed with; undefined when it did not. */
  readonly backupFailure: () => Promise<string | undefined>;
}

export interface PruneContext {
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PruneProgress) => void;
}

export interface PruneProgress {
  readonly phase: 'planning' | 'marking' | 'removing backups' | 'removing log';
  readonly freedBytes: number;
}

/** What a run did. */
export interface PruneResult {
  readonly plan: RetentionPlan;
  /** Ids, in the order of their removal. */
  readonly removedBackups: readonly string[];
  readonly removedLogObjects: number;
  readonly freedBytes: number;
  /** How many backups and stretches of log were marked by this run. */
  readonly marked: number;
  /** How many marks were taken back, since what they are of is kept after all. */
  readonly unmarked: number;
}

/** Objects of the log between two looks at the lease. */
const LEASE_EVERY = 32;

/**
 * Removes what the policy does not keep and an earlier run has marked, and marks the rest. It never removes anything while
 * our clock is off from the server's, or while backups fail: then what there is may be all there will be.
 *
 * Dying at any instant leaves every backup that there is restorable, and the next run needs no help.
 *
 * @throws LarderError CLOCK_SKEWED, BACKUP_FAILING, RETENTION_REFUSED, LEASE_HELD, LEASE_LOST, REPOSITORY_MISSING; what
 *   keeps the server from being asked; the store's errors
 */
export async function prune(request: PruneRequest, context: PruneContext): Promise<PruneResult> {
  const { store, location, leaseWait } = request;
  const { clock, processIdentity, signal } = context;
  await openRepository(store, location);
  await assertBackupsSucceed(request);
  await assertClock(request, signal);
  context.onProgress({ phase: 'planning', freedBytes: 0 });
  const lease = await acquireLease(store, {
    holder: 'retention',
    clock,
    processIdentity,
    waitMilliseconds: leaseWait,
    signal,
  });
  try {
    await sweepLeftovers(store);
    const run = { ...context, signal: AbortSignal.any([signal, lease.signal]) };
    return await pruneWithLease(request, run, lease);
  } finally {
    // a lease that cannot be given back runs out by itself
    await lease.release().catch(() => undefined);
  }
}

async function pruneWithLease(
  { store, policy }: PruneRequest,
  context: PruneContext,
  lease: Lease,
): Promise<PruneResult> {
  const now = context.clock.now();
  const { facts, marks } = await readRetentionState(store, now);
  assertNewestGood(facts);
  const plan = planRetention(facts, policy, now);
  const steps = stepsOf(plan, marks, policy);
  const removal = new Removal(store, context, lease);
  await removal.mark(steps, now);
  await removal.removeBackups(steps, now);
  for (const log of steps.logs) await removal.removeLog(log, { marks, now });
  const { removedBackups, removedLogObjects, freedBytes } = removal;
  return {
    plan,
    removedBackups,
    removedLogObjects,
    freedBytes,
    marked: steps.mark.length,
    unmarked: steps.unmark.length,
  };
}

/** Carries steps out, and counts. Every removal is preceded by a look at the repository, the lease and the signal. */
class Removal {
  readonly removedBackups: string[] = [];
  removedLogObjects = 0;
  freedBytes = 0;
  readonly #store: ObjectStore;
  readonly #context: PruneContext;
  readonly #lease: Lease;

  constructor(store: ObjectStore, context: PruneContext, lease: Lease) {
    this.#store = store;
    this.#context = context;
    this.#lease = lease;
  }

  async mark({ unmark, mark }: RetentionSteps, now: number): Promise<void> {
    this.#report('marking');
    await this.#assertMayRemove();
    for (const { name } of unmark) await this.#store.delete(name);
    for (const of of mark) await writeMark(this.#store, of, now);
  }

  async removeBackups({ backups }: RetentionSteps, now: number): Promise<void> {
    for (const record of backups) {
      this.#report('removing backups');
      await this.#assertMayRemove();
      await removeBackup(this.#store, record, now);
      this.removedBackups.push(record.id);
      this.freedBytes += record.storedBytes;
    }
  }

  async removeLog(
    removal: LogRemoval,
    { marks, now }: { readonly marks: Parameters<typeof removeLog>[2]; readonly now: number },
  ): Promise<void> {
    let asked = 0;
    const mayGoOn = async (): Promise<void> => {
      this.#context.signal.throwIfAborted();
      if (asked++ % LEASE_EVERY === 0) await this.#assertMayRemove();
      this.#report('removing log');
    };
    await removeLog(this.#store, removal, marks, { now, mayGoOn });
    this.removedLogObjects += removal.objects.length;
    this.freedBytes += removal.objects.reduce((sum, { size }) => sum + size, 0);
  }

  /** A volume that was unmounted, or a lease that somebody else took, ends the removal. */
  async #assertMayRemove(): Promise<void> {
    this.#context.signal.throwIfAborted();
    await assertPresent(this.#store);
    await this.#lease.assertHeld();
  }

  #report(phase: PruneProgress['phase']): void {
    this.#context.onProgress({ phase, freedBytes: this.freedBytes });
  }
}

async function assertClock({ clockSkew }: PruneRequest, signal: AbortSignal): Promise<void> {
  const skew = await clockSkew(signal);
  if (skew === undefined || Math.abs(skew) <= LARGEST_SKEW) return;
  const seconds = Math.round(Math.abs(skew) / 1000);
  throw new LarderError(
    'CLOCK_SKEWED',
    `the server's clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} ours: nothing is removed by a clock that may be wrong`,
    { hint: 'Set both clocks (NTP); up to five minutes between them are let pass.' },
  );
}

async function assertBackupsSucceed({ backupFailure }: PruneRequest): Promise<void> {
  const failure = await backupFailure();
  if (failure === undefined) return;
  throw new LarderError('BACKUP_FAILING', `the newest backup failed, so nothing is removed: ${failure}`, {
    hint: 'What there is may be all there will be. Take a backup (larder backup), then run this again.',
  });
}

/** The repository itself tells too, where the history is lost or another host took the backup. */
function assertNewestGood({ backups }: RetentionFacts): void {
  const newest = backups.at(-1);
  if (newest?.state !== 'corrupt_source') return;
  throw new LarderError(
    'BACKUP_FAILING',
    `the server found damaged pages in the newest backup, ${newest.id}, so nothing is removed`,
    { hint: 'Repair the cluster or restore an earlier backup, then take a new one (larder backup).' },
  );
}
