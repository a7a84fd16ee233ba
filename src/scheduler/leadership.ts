import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { leads, mayTakeLease, type LeaseState, type LockState } from './leadership-decision.ts';

/** How often it looks whether it may lead, or still does. */
const LOOK_MS = 5_000;

export type Role = 'starting' | 'leader' | 'standby';

/** The lock on the server. */
export interface LeaderLock {
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** The lease in the repository. */
export interface LeaderLease {
  /** Grows with every taking. */
  readonly epoch: number;
  /** Aborts when it is lost. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

export interface LeadershipParts {
  readonly clock: Clock;
  /** Undefined when another process has it. Rejects when the server cannot be asked. */
  readonly takeLock: (signal: AbortSignal) => Promise<LeaderLock | undefined>;
  /** Whether there is a repository. Rejects when it cannot be asked. */
  readonly repositoryExists: () => Promise<boolean>;
  /** Rejects with LEASE_HELD when another process has it, and when the repository cannot be asked. */
  readonly takeLease: (signal: AbortSignal) => Promise<LeaderLease>;
  /** Called at each change. `why` is for people. */
  readonly changed: (role: Role, why: string) => void | Promise<void>;
  /** Called when the lease became another one while the role stayed: the first backup makes the repository that holds it. */
  readonly epochChanged?: (epoch: number) => void;
}

/**
 * Sees to it that of the processes that protect a cluster with one repository, one leads: it alone starts jobs and receives
 * the log. It holds an advisory lock on the server, which dies with its session, and a lease in the repository, which
 * outlives the server.
 */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #stop = new AbortController();
  #role: Role = 'starting';
  #lock: LeaderLock | undefined;
  #lease: LeaderLease | undefined;
  #standingBySince: number | undefined;
  #toldEpoch = 0;
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  get role(): Role {
    return this.#role;
  }

  get leads(): boolean {
    return this.#role === 'leader';
  }

  /** Of the lease; 0 without one. */
  get epoch(): number {
    return this.#lease?.signal.aborted === false ? this.#lease.epoch : 0;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** Gives lock and lease back, so that another process can lead at once. */
  async stop(): Promise<void> {
    this.#stop.abort(new LarderError('INTERRUPTED', 'the service is stopping'));
    await this.#ended;
    await Promise.allSettled([this.#releaseLock(), this.#releaseLease()]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#look();
      const lost = this.#lease?.signal;
      const wake = lost === undefined || lost.aborted ? signal : AbortSignal.any([signal, lost]);
      await this.#parts.clock.sleep(LOOK_MS, wake).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const lock = await this.#lookAtLock();
    const { lease, why } = await this.#lookAtLease(lock);
    if (this.#stop.signal.aborted) return;
    const leading = leads(lock, lease);
    // whoever has the lease leads, and may need the lock when the repository goes away
    if (!leading) await this.#releaseLock();
    await this.#become(leading ? 'leader' : 'standby', why);
    if (this.epoch === this.#toldEpoch) return;
    this.#toldEpoch = this.epoch;
    this.#parts.epochChanged?.(this.epoch);
  }

  async #lookAtLock(): Promise<LockState> {
    if (this.#lock !== undefined) {
      if (await this.#lock.isHeld()) return 'mine';
      this.#lock = undefined;
    }
    try {
      this.#lock = await this.#parts.takeLock(this.#stop.signal);
      return this.#lock === undefined ? 'held' : 'mine';
    } catch {
      return 'unknown';
    }
  }

  async #lookAtLease(lock: LockState): Promise<{ lease: LeaseState; why: string }> {
    if (this.#lease?.signal.aborted === false) return { lease: 'mine', why: 'it has the lease' };
    this.#lease = undefined;
    try {
      if (!(await this.#parts.repositoryExists())) {
        return { lease: 'absent', why: 'there is no repository yet' };
      }
      if (!mayTakeLease(lock, this.#standingBy(lock))) {
        return { lease: 'unasked', why: 'another process has the lock on the server' };
      }
      this.#lease = await this.#parts.takeLease(this.#stop.signal);
      return { lease: 'mine', why: 'it has taken the lease' };
    } catch (error) {
      const held = error instanceof LarderError && error.code === 'LEASE_HELD';
      return held
        ? { lease: 'held', why: error.message }
        : { lease: 'unknown', why: 'the repository cannot be asked' };
    }
  }

  /** Counted only while the repository is there: its birth is the moment in which the lease is anybody's. */
  #standingBy(lock: LockState): number {
    const now = this.#parts.clock.monotonic();
    if (lock !== 'held') this.#standingBySince = undefined;
    else this.#standingBySince ??= now;
    return this.#standingBySince === undefined ? 0 : now - this.#standingBySince;
  }

  async #become(role: Role, why: string): Promise<void> {
    if (role === this.#role) return;
    this.#role = role;
    await this.#parts.changed(role, why);
  }

  async #releaseLock(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release().catch(() => undefined);
  }

  async #releaseLease(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.release().catch(() => undefined);
  }
}
