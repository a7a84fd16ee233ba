import type { Clock } from '../clock.ts';
import { toLarderError } from '../errors.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { Session } from '../postgres/sql/session.ts';
import { readFlushPosition } from '../postgres/sql/flush-position.ts';
import {
  readSlotFacts,
  readSynchronousFacts,
  type SlotFacts,
  type SynchronousFacts,
} from '../postgres/sql/slot-facts.ts';
import type { ServerPosition } from './complete-until.ts';
import { isAwaited, synchronousWarning } from './synchronous-warning.ts';
import type { ReceiverNotice } from './receiver-request.ts';

const INTERVAL = 2_000;
/** A server that has not answered for so long is hung up on: on a dead connection a question waits for many minutes. */
const ANSWER_LIMIT = 10_000;

/** What the server said when it was asked with SQL. */
export interface ServerAnswer {
  readonly slot: SlotFacts;
  /** Not on a standby, which commits nothing. */
  readonly flushed: ServerPosition | undefined;
  /** Whether commits may wait for us: our name stands in synchronous_standby_names. */
  readonly awaited: boolean;
}

export interface ServerWatchOptions {
  readonly connection: ConnectionSettings;
  readonly clock: Clock;
  readonly onNotice: (notice: ReceiverNotice) => void;
  /** `undefined`: the server could not be asked. */
  readonly onAnswer: (answer: ServerAnswer | undefined) => void;
}

/** Asks the server about our slot again and again, on a connection of its own; it is never in the way of the stream. */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  #session: Session | undefined;
  #slot: string | undefined;
  #silenced = false;
  #warning: string | undefined;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
  }

  get slot(): string | undefined {
    return this.#slot;
  }

  watchSlot(name: string): void {
    this.#slot = name;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      if (this.#slot !== undefined) await this.#look(this.#slot, signal);
      await clock.sleep(INTERVAL, signal).catch(() => undefined);
    }
    await this.#close();
  }

  async #look(slot: string, signal: AbortSignal): Promise<void> {
    const { connection, onAnswer, onNotice } = this.#options;
    const answered = new AbortController();
    try {
      const session = (this.#session ??= await Session.open(connection, signal));
      this.#dropUnless(answered.signal, session, signal);
      // the position first: what the slot says then is not older
      const flushed = await readFlushPosition(session);
      const slotFacts = await readSlotFacts(session, slot);
      const synchronous = await readSynchronousFacts(session);
      const awaited = isAwaited(synchronous, connection.applicationName);
      onAnswer({ slot: slotFacts, flushed, awaited });
      this.#warn(synchronous);
      this.#silenced = false;
    } catch (thrown) {
      await this.#close();
      onAnswer(undefined);
      if (signal.aborted || this.#silenced) return;
      // once for each time it is lost: the stream has its own words for a server that is gone
      this.#silenced = true;
      const error = toLarderError(thrown);
      onNotice({ level: 'warning', text: `the slot cannot be watched: ${error.message}` });
    } finally {
      answered.abort();
    }
  }

  /** Breaks the connection when the answer takes too long, or nobody waits for it any more. */
  #dropUnless(answered: AbortSignal, session: Session, signal: AbortSignal): void {
    const { clock } = this.#options;
    void clock
      .sleep(ANSWER_LIMIT, AbortSignal.any([answered, signal]))
      .catch(() => undefined)
      .then(() => (answered.aborted ? undefined : session.drop()));
  }

  /** Each time that it begins to be so: the settings may be changed under a running receiver, and usually are. */
  #warn(synchronous: SynchronousFacts): void {
    const { connection, onNotice } = this.#options;
    const text = synchronousWarning(synchronous, connection.applicationName);
    if (text !== undefined && text !== this.#warning) onNotice({ level: 'warning', text });
    this.#warning = text;
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close().catch(() => undefined);
  }
}
