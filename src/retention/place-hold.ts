import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import { isActive, readHolds, writeHold, writeRelease, type StoredHold } from '../repository/hold-record.ts';
import { commitRecordName, expiredBackupName } from '../repository/layout.ts';
import { acquireLease } from '../repository/lease.ts';
import { FORMAT_VERSION } from '../repository/object-header.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface Person {
  readonly user: string;
  readonly host: string;
}

export interface HoldRequest {
  readonly backup: string;
  /** ms since 1970 UTC. */
  readonly until: number;
  readonly reason: string;
  readonly by: Person;
}

export interface HoldContext {
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  readonly signal: AbortSignal;
  /** How long to wait for a removal that may be running, milliseconds. */
  readonly leaseWait: number;
}

/**
 * Places a hold. It needs no lease, so that it can be placed while a backup runs: what is not marked when the hold stands is
 * judged once more, with the hold, before it is removed. Only of a backup that is marked a removal may be running just now:
 * then the lease tells whether the hold came in time.
 *
 * @returns the hold's name
 * @throws LarderError BACKUP_UNKNOWN; LEASE_HELD when nobody can tell yet whether it came in time; the store's errors
 */
export async function placeHold(
  store: ObjectStore,
  { backup, until, reason, by }: HoldRequest,
  context: HoldContext,
): Promise<string> {
  await assertThere(store, backup);
  const times = {
    until: new Date(until).toISOString(),
    placed: new Date(context.clock.now()).toISOString(),
  };
  const name = await writeHold(store, { formatVersion: FORMAT_VERSION, backup, reason, ...times, by });
  if ((await store.stat(expiredBackupName(backup))) !== undefined)
    await waitForRemoval(store, backup, context);
  await assertThere(store, backup);
  return name;
}

async function waitForRemoval(store: ObjectStore, backup: string, context: HoldContext): Promise<void> {
  const { clock, processIdentity, signal, leaseWait: waitMilliseconds } = context;
  try {
    const lease = await acquireLease(store, {
      holder: 'hold',
      clock,
      processIdentity,
      waitMilliseconds,
      signal,
    });
    await lease.release();
  } catch (thrown) {
    const error = toLarderError(thrown);
    if (error.code !== 'LEASE_HELD') throw error;
    throw new LarderError(
      'LEASE_HELD',
      `the hold is placed, but ${backup} is marked for removal, and nobody can tell yet whether it came in time: ${error.message}`,
      { hint: `"larder list ${backup}" tells, once that is over.`, cause: error },
    );
  }
}

/**
 * Ends every hold that keeps a backup now. The records stay.
 * @returns the holds that ended
 * @throws LarderError USAGE when none keeps it; the store's errors
 */
export async function releaseHolds(
  store: ObjectStore,
  request: { readonly backup: string; readonly reason: string | undefined; readonly by: Person },
  now: number,
): Promise<StoredHold[]> {
  const { backup, reason = null, by } = request;
  const active = (await readHolds(store, backup)).filter((hold) => isActive(hold, now));
  if (active.length === 0) {
    throw new LarderError('USAGE', `no hold keeps ${backup}`, {
      hint: '"larder hold --list" shows every hold.',
    });
  }
  const released = new Date(now).toISOString();
  for (const { name } of active)
    await writeRelease(store, name, { formatVersion: FORMAT_VERSION, backup, reason, released, by });
  return active;
}

async function assertThere(store: ObjectStore, backup: string): Promise<void> {
  if ((await store.stat(commitRecordName(backup))) !== undefined) return;
  throw new LarderError('BACKUP_UNKNOWN', `there is no backup ${backup} in ${store.description}`, {
    hint: '"larder list" shows every backup with its id.',
  });
}
