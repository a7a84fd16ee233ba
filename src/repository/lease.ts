import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { HeldLease } from './held-lease.ts';
import {
  encodeLease,
  leaseName,
  type LeaseRecord,
  listLeases,
  readLease,
  type StoredLease,
  unsettled,
} from './lease-record.ts';
import { heldError, isFree, TTL_SECONDS } from './lease-state.ts';
import { isProvablyDead, type ProcessIdentity } from '../process-identity.ts';

/** Milliseconds between two looks at a lease that somebody else holds. */
const LOOK_AGAIN = 1_000;

/** Every loss of a race means that somebody else won it; more in a row than this means that the store contradicts itself. */
const ATTEMPTS = 20;

export interface LeaseRequest {
  /** What the lease is for, as a noun that goes behind "a": `backup`. */
  readonly holder: string;
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  /** How long to wait for another holder; 0 asks once. */
  readonly waitMilliseconds: number;
  /** Ends the waiting; a lease that was taken is not touched by it. */
  readonly signal: AbortSignal;
}

/** The right to write to a repository, while it lasts. */
export interface Lease extends AsyncDisposable {
  /** Grows with every taking: of two holders the one with the higher epoch is right. */
  readonly epoch: number;
  /** Aborts with LEASE_LOST when somebody else has the lease, or may have it. */
  readonly signal: AbortSignal;
  /** Asks the store; to be called right before a commit record is written. Throws LEASE_LOST and the store's errors. */
  assertHeld(): Promise<void>;
  /** Gives the lease back; may be called again, and after a loss. Throws the store's errors. */
  release(): Promise<void>;
}

/**
 * Takes the right to write to the repository, which one process has at a time. Objects `lease/<epoch>` carry it: the
 * highest epoch decides, and the next one is taken by put-if-absent, so that of many takers one wins. A holder that died
 * on this host is succeeded at once, any other after 60 seconds without renewal.
 *
 * A holder that was merely paused finds out at its next renewal or `assertHeld`, before its commit record: what it wrote
 * until then lies under names of its own and counts for nothing.
 *
 * The lease renews itself, and keeps the process alive, until `release`. Throws LEASE_HELD when it is still held after
 * the wait, the reason of `signal`, and the store's errors.
 */
export async function acquireLease(store: ObjectStore, request: LeaseRequest): Promise<Lease> {
  const { clock, signal, waitMilliseconds } = request;
  const deadline = clock.monotonic() + waitMilliseconds;
  for (;;) {
    signal.throwIfAborted();
    const outcome = await tryToTake(store, request);
    if (!(outcome instanceof LarderError)) return outcome;
    const left = deadline - clock.monotonic();
    if (left <= 0) throw outcome;
    await clock.sleep(Math.min(left, LOOK_AGAIN), signal);
  }
}

/** The lease, or LEASE_HELD for whoever has it. */
async function tryToTake(store: ObjectStore, request: LeaseRequest): Promise<Lease | LarderError> {
  let newest = await readLease(store);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const now = request.clock.now();
    if (newest !== undefined && !isFree(newest, { now, holderIsDead: holderIsDead(newest, request) })) {
      return heldError(store.description, newest, now);
    }
    const record = newRecord((newest?.epoch ?? 0) + 1, request);
    const renewedAt = request.clock.monotonic();
    await putUnlessTaken(store, record);
    // reading back settles three doubts: who won, whether an answer to us was lost, and whether a taker that was paused
    // has just made an epoch that was taken and removed long ago
    newest = await readLease(store);
    if (newest?.record?.token !== record.token) continue;
    const lease = new HeldLease(store, request.clock, record);
    lease.keepRenewing(renewedAt);
    await removeOlder(store, record.epoch);
    return lease;
  }
  throw unsettled(store);
}

function holderIsDead({ record }: StoredLease, { processIdentity }: LeaseRequest): boolean {
  return record !== undefined && isProvablyDead(record, processIdentity);
}

function newRecord(epoch: number, { clock, holder, processIdentity }: LeaseRequest): LeaseRecord {
  const acquired = clock.now();
  return {
    epoch,
    token: randomUUID(),
    holder,
    ...processIdentity,
    acquired,
    renewed: acquired,
    ttlSeconds: TTL_SECONDS,
  };
}

async function putUnlessTaken(store: ObjectStore, record: LeaseRecord): Promise<void> {
  try {
    await store.putIfAbsent(leaseName(record.epoch), encodeLease(record));
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}

/** The highest epoch alone counts, so a failure here changes nothing: the next holder removes what is left. */
async function removeOlder(store: ObjectStore, epoch: number): Promise<void> {
  try {
    for (const older of await listLeases(store)) {
      if (older.epoch < epoch) await store.delete(older.name);
    }
  } catch {
    // the lease is ours all the same
  }
}
