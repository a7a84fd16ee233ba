import { LarderError } from '../errors.ts';
import type { StoredLease } from './lease-record.ts';

/** Seconds without renewal after which a lease is free. */
export const TTL_SECONDS = 60;

/** What the decision needs besides the lease. */
export interface Circumstances {
  /** Milliseconds since 1970 UTC. */
  readonly now: number;
  /** Whether the holder's process certainly no longer runs. */
  readonly holderIsDead: boolean;
}

/** Whether the next epoch may be taken. A lease that cannot be read is held until the store says that it is old. */
export function isFree(lease: StoredLease | undefined, { now, holderIsDead }: Circumstances): boolean {
  if (lease === undefined || lease.record?.released !== undefined) return true;
  return holderIsDead || expiry(lease, now) === undefined;
}

/**
 * When the lease runs out, milliseconds since 1970 UTC; `undefined` when it has. A sign of life is a time near ours by
 * the holder's clock or by the store's: if either clock is wrong the other still protects the holder, and a time far in
 * the future does not hold the repository until then.
 */
export function expiry(lease: StoredLease, now: number): number | undefined {
  const ttl = (lease.record?.ttlSeconds ?? TTL_SECONDS) * 1000;
  const signs = signsOfLife(lease).filter((time) => Math.abs(now - time) < ttl);
  return signs.length === 0 ? undefined : Math.max(...signs) + ttl;
}

/** The error for a lease that is not free: who holds it, since when, last renewed when, and until when. */
export function heldError(repository: string, lease: StoredLease, now: number): LarderError {
  const left = seconds((expiry(lease, now) ?? now) - now);
  return new LarderError(
    'LEASE_HELD',
    `the repository ${repository} is held by ${describeHolder(lease, now)}`,
    {
      hint: `wait for it to end; if it is gone, the repository is free in ${left}, as soon as nothing renews ${lease.name}`,
    },
  );
}

/** `a backup (process 4711 on db1) since 2026-11-22T12:00:00.000Z, renewed 12 seconds ago`. */
export function describeHolder({ name, modified, record }: StoredLease, now: number): string {
  if (record === undefined)
    return `a lease that cannot be read (${name}), written ${seconds(now - modified)} ago`;
  const { holder, pid, host, acquired, renewed } = record;
  const since = new Date(acquired).toISOString();
  return `a ${holder} (process ${pid} on ${host}) since ${since}, renewed ${seconds(now - renewed)} ago`;
}

function signsOfLife({ record, modified }: StoredLease): number[] {
  return record === undefined ? [modified] : [record.renewed, modified];
}

function seconds(milliseconds: number): string {
  const count = Math.max(0, Math.round(milliseconds / 1000));
  return count === 1 ? '1 second' : `${count} seconds`;
}
