import type { Clock } from '../clock.ts';
import { toLarderError, type LarderError } from '../errors.ts';
import type { ReceiverContext, ReceiverRequest } from './receiver-request.ts';
import type { ReceiverStatus } from './receiver-status.ts';
import { receiveWal } from './receiver.ts';

/** Until a receiver is started again that gave up: what no waiting mends, somebody may. */
const AGAIN_MS = 30_000;
/** Until it is looked whether another receiver on this host has ended. */
const ELSEWHERE_MS = 5_000;

export interface KeepReceivingParts {
  readonly request: ReceiverRequest;
  readonly context: Omit<ReceiverContext, 'signal' | 'onStatus'> & { readonly clock: Clock };
  /** Resolves when receiving may begin; rejects with what keeps it from beginning. */
  readonly mayBegin: () => Promise<void>;
  readonly onStatus: (status: ReceiverStatus | undefined) => void;
  /** It has ended with that, and is started again later. */
  readonly onFailure: (error: LarderError) => void;
}

/** Keeps a receiver running between `start` and `stop`, whatever it ends with. */
export class KeptReceiver {
  readonly #parts: KeepReceivingParts;
  #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: KeepReceivingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop.abort();
    const stop = (this.#stop = new AbortController());
    this.#ended = this.#ended.then(() => this.#run(stop.signal));
  }

  /** Resolves when everything received is flushed, and stored as far as that takes seconds. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.context;
    while (!signal.aborted) {
      const pause = await this.#receive(signal);
      this.#parts.onStatus(undefined);
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  /** Receives until the signal or a failure; gives the milliseconds until it is worth another try. */
  async #receive(signal: AbortSignal): Promise<number> {
    const { request, context, mayBegin, onStatus, onFailure } = this.#parts;
    try {
      await mayBegin();
      await receiveWal(request, { ...context, signal, onStatus });
      return 0;
    } catch (thrown) {
      const error = toLarderError(thrown);
      if (!signal.aborted) onFailure(error);
      return error.code === 'LEASE_HELD' ? ELSEWHERE_MS : AGAIN_MS;
    }
  }
}
