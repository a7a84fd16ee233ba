/** What this process knows of the lock on the server. `held`: by another process; `unknown`: the server cannot be asked. */
export type LockState = 'mine' | 'held' | 'unknown';
/** What it knows of the lease in the repository. `absent`: there is no repository yet; `unasked`: it was not tried for. */
export type LeaseState = 'mine' | 'held' | 'absent' | 'unknown' | 'unasked';

/**
 * Of two replicas one leads. The lease outranks the lock: who has it can reach the repository, and without that nothing
 * can be done. Where the lease cannot be had, the lock decides; where neither can, the process leads: what it cannot do
 * fails for all to see, and the log goes on being received if that is possible at all.
 */
export function leads(lock: LockState, lease: LeaseState): boolean {
  switch (lease) {
    case 'mine':
      return true;
    case 'held':
    case 'unasked':
      return false;
    case 'absent':
    case 'unknown':
      return lock !== 'held';
  }
}

/** Longer than two looks of a leader: whoever leads by the lock alone takes the lease as soon as there is a repository. */
const LOCK_GRACE_MS = 90_000;

/**
 * Whether to try for the lease. While another process has the lock, that one goes first; but a session can outlive a
 * machine by hours, and then the lease, which runs out in a minute, is the better witness.
 *
 * @param standingBy how long, in milliseconds, the lock has been held by another and the repository been there
 */
export function mayTakeLease(lock: LockState, standingBy: number): boolean {
  return lock !== 'held' || standingBy >= LOCK_GRACE_MS;
}
