import type { ConnectionSettings } from '../connection-settings.ts';
import { Session } from './session.ts';

/** How long the server may take to say that the session is still there; behind a cut cable it never does. */
const ANSWER_LIMIT_MS = 5_000;

/** An advisory lock of the server, held as long as its session lives: a process that dies loses it at once. */
export class AdvisoryLock {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Takes the lock unless another session has it; `undefined` then. `key` is a signed integer of 64 bits. Throws as
   * `Session.open`.
   */
  static async tryTake(
    settings: ConnectionSettings,
    key: bigint,
    signal: AbortSignal,
  ): Promise<AdvisoryLock | undefined> {
    const session = await Session.open(settings, signal);
    try {
      const query = {
        text: 'SELECT pg_try_advisory_lock($1::bigint)::text AS taken',
        values: [String(key)],
        what: 'taking the lock of the leader',
      };
      const taken = await session.row(query, (row) => row.text('taken'));
      if (taken === 'true') return new AdvisoryLock(session);
    } catch (error) {
      session.drop();
      throw error;
    }
    await session.close();
    return undefined;
  }

  /** Whether the session, and with it the lock, is still there. One that does not answer is given up. */
  async isHeld(): Promise<boolean> {
    const timer = setTimeout(() => this.#session.drop(), ANSWER_LIMIT_MS);
    const query = { text: 'SELECT 1::text AS one', what: 'asking for the lock' };
    try {
      await this.#session.row(query, () => undefined);
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async release(): Promise<void> {
    await this.#session.close();
  }
}
