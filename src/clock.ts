import { setTimeout as delay } from 'node:timers/promises';

/** Where time comes from. Tests hand in one they hold; everything else uses `systemClock`. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970 UTC. It can jump: use it for records, never for durations. */
  now(): number;
  /** Milliseconds that only ever grow; its zero means nothing. For durations and time limits. */
  monotonic(): number;
  /** Resolves after `milliseconds`; rejects at once with the signal's reason when it aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    try {
      await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};
