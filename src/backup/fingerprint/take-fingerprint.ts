import type { Clock } from '../../clock.ts';
import { toLarderError } from '../../errors.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import { affordableTables } from '../../postgres/sql/fingerprint/affordable-tables.ts';
import type { ClusterLook } from '../../postgres/sql/fingerprint/look.ts';
import { lookAtCluster } from '../../postgres/sql/fingerprint/look-at-cluster.ts';
import type { Session } from '../../postgres/sql/session.ts';
import { NO_FINGERPRINT } from '../../repository/fingerprint/read-fingerprint.ts';
import { writeFingerprint } from '../../repository/fingerprint/write-fingerprint.ts';
import type { StoredObject } from '../../repository/frames/framed-object.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { mergeLooks } from './merge-looks.ts';

/** Of each of the two looks. What was not looked at by then is named in the fingerprint. */
const LOOK_LIMIT_MS = 15_000;
/** In one database: DROP DATABASE and CREATE DATABASE … TEMPLATE wait five seconds for others to leave, then they fail. */
const STAY_LIMIT_MS = 3000;
/** How long a backup waits for the first look. A longer one goes on beside it: what takes long to look at is long to send. */
const READY_LIMIT_MS = 2000;

export interface FingerprintRequest {
  /** Logs in to a database of the server that is backed up. */
  readonly openDatabase: (database: string) => Promise<Session>;
  /** The database to begin with. */
  readonly database: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What became of a fingerprint: an object, or the warning of a backup that has none. */
export interface TakenFingerprint {
  readonly objects: readonly StoredObject[];
  readonly warning?: string;
}

/**
 * The fingerprint of a backup: the first look begins early, the second one when the server has ended the backup. Nothing in
 * here fails a backup, or throws: what goes wrong is a warning, and the backup has no fingerprint.
 */
export class Fingerprint {
  readonly #request: FingerprintRequest;
  readonly #closing = new AbortController();
  readonly #before: Promise<ClusterLook | string>;

  private constructor(request: FingerprintRequest) {
    this.#request = { ...request, signal: AbortSignal.any([request.signal, this.#closing.signal]) };
    this.#before = this.#look();
  }

  static begin(request: FingerprintRequest): Fingerprint {
    return new Fingerprint(request);
  }

  /** Waits for the first look for a while: one that ends behind the end of the backup is of no use to it. */
  async ready(): Promise<void> {
    const waiting = new AbortController();
    const { clock } = this.#request;
    await Promise.race([this.#before, clock.sleep(READY_LIMIT_MS, waiting.signal).catch(() => undefined)]);
    waiting.abort();
  }

  /**
   * Looks again and stores what came of both looks.
   * @param stop the end of the backup
   */
  async finish(store: ObjectStore, backupId: string, stop: Lsn): Promise<TakenFingerprint> {
    try {
      const before = await this.#before;
      if (typeof before === 'string') return without(before);
      if (before.reached > stop) return without(tooLate(before.reached, stop));
      const after = await this.#look(before);
      if (typeof after === 'string') return without(after);
      return { objects: [await writeFingerprint(store, backupId, mergeLooks(before, after))] };
    } catch (error) {
      return without(toLarderError(error).message);
    }
  }

  /** Ends what still looks. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#before;
  }

  async #look(earlier?: ClusterLook): Promise<ClusterLook | string> {
    try {
      return await lookAtCluster({
        ...this.#request,
        limit: LOOK_LIMIT_MS,
        stay: STAY_LIMIT_MS,
        settledBefore: earlier?.settledBefore,
        earlier,
        chooseTables: affordableTables(),
      });
    } catch (error) {
      return toLarderError(error).message;
    }
  }
}

function without(why: string): TakenFingerprint {
  return { objects: [], warning: `${NO_FINGERPRINT}${why}` };
}

/** A backup from a standby ends where its files are known to be, which may lie before what it had replayed. */
function tooLate(reached: Lsn, stop: Lsn): string {
  return `the log was at ${formatLsn(reached)} when the cluster had been looked at, and the backup ends at ${formatLsn(stop)}`;
}
