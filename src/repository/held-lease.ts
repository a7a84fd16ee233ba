import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { encodeLease, leaseName, type LeaseRecord, readLease, type StoredLease } from './lease-record.ts';
import { describeHolder } from './lease-state.ts';

/** Milliseconds; two renewals may fail before the lease runs out. */
const RENEW_EVERY = 20_000;

/** The `Lease` of lease.ts, which says what its methods promise: taken, and being renewed. */
export class HeldLease implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #loss = new AbortController();
  readonly #stop = new AbortController();
  #record: LeaseRecord;
  #renewing: Promise<void> = Promise.resolve();
  #releasing: Promise<void> | undefined;

  constructor(store: ObjectStore, clock: Clock, record: LeaseRecord) {
    this.#store = store;
    this.#clock = clock;
    this.#record = record;
  }

  get epoch(): number {
    return this.#record.epoch;
  }

  get signal(): AbortSignal {
    return this.#loss.signal;
  }

  /** `renewedAt`: monotonic milliseconds, not later than the record was written. */
  keepRenewing(renewedAt: number): void {
    this.#renewing = this.#renewUntilStopped(renewedAt);
  }

  async assertHeld(): Promise<void> {
    this.signal.throwIfAborted();
    if (this.#stop.signal.aborted) throw this.#lost('it was given back');
    const newest = await readLease(this.#store);
    if (newest?.record?.token !== this.#record.token) throw this.#lose(this.#explain(newest));
  }

  release(): Promise<void> {
    this.#releasing ??= this.#giveBack();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #renewUntilStopped(start: number): Promise<void> {
    let renewedAt = start;
    while (!this.signal.aborted && (await this.#pause())) {
      const now = this.#clock.monotonic();
      try {
        await this.assertHeld();
        await this.#write({ ...this.#record, renewed: this.#clock.now() });
        renewedAt = now;
      } catch (error) {
        // the store may be back next time, but only until others may call the lease expired
        const expired = this.#clock.monotonic() - renewedAt >= this.#record.ttlSeconds * 1000;
        if (expired) this.#lose(`it could not be renewed for ${this.#record.ttlSeconds} seconds`, error);
      }
    }
  }

  /** Waits for the next renewal; false when there is to be none. */
  async #pause(): Promise<boolean> {
    try {
      await this.#clock.sleep(RENEW_EVERY, this.#stop.signal);
      return true;
    } catch {
      return false;
    }
  }

  async #giveBack(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    if (this.signal.aborted) return;
    const newest = await readLease(this.#store);
    if (newest?.record?.token !== this.#record.token) return;
    await this.#write({ ...this.#record, released: this.#clock.now() });
  }

  /** Should another take the lease just now, this writes an object of a lower epoch, which counts for nothing. */
  async #write(record: LeaseRecord): Promise<void> {
    await this.#store.replace(leaseName(record.epoch), encodeLease(record));
    this.#record = record;
  }

  #explain(newest: StoredLease | undefined): string {
    if (newest === undefined) return 'its object was removed from outside';
    return `it was taken over by ${describeHolder(newest, this.#clock.now())}`;
  }

  #lose(how: string, cause?: unknown): LarderError {
    const error = this.#lost(how, cause);
    this.#loss.abort(error);
    return error;
  }

  #lost(how: string, cause?: unknown): LarderError {
    return new LarderError('LEASE_LOST', `the lease of ${this.#store.description} was lost: ${how}`, {
      hint: 'run it again; nothing was overwritten. A process or disk that stood still for a minute loses its lease',
      cause,
    });
  }
}
