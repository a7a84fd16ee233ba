import type { Clock } from './clock.ts';
import { LarderError } from './errors.ts';

/** Docker sends SIGKILL ten seconds after SIGTERM: the last word must be written before. */
const STOP_WITHIN_MS = 9_000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** One part of the service. `stop` must also do where `start` failed or was never called. */
export interface Part {
  readonly name: string;
  readonly start: () => void | Promise<void>;
  readonly stop: () => void | Promise<void>;
}

/** Where signals come from: `process`, or a test's emitter. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

export interface DaemonParts {
  /** In the order of their start; HTTP first, so that it stops last and probes see `stopping`. */
  readonly parts: readonly Part[];
  readonly signals: SignalSource;
  readonly clock: Clock;
  /** Called at the first signal, before anything stops. */
  readonly stopping: () => void;
  /** Called with what went wrong while stopping. */
  readonly stopFailed: (part: string, error: unknown) => void;
}

/**
 * Runs the service until a signal, and resolves with the exit code: 0 when every part has stopped, 130 at once at a
 * second signal, 1 when a part failed to stop or did not in 9 seconds. The caller then exits, whatever still runs.
 * Rejects with the error of a part that does not start, after stopping the others.
 */
export async function runDaemon(daemon: DaemonParts): Promise<number> {
  const [first, second] = [new AbortController(), new AbortController()];
  const onSignal = () => {
    (first.signal.aborted ? second : first).abort();
  };
  for (const signal of SIGNALS) daemon.signals.on(signal, onSignal);
  try {
    await start(daemon, first.signal);
    await aborted(first.signal);
    daemon.stopping();
    return await Promise.race([stop(daemon), aborted(second.signal).then(() => 130)]);
  } finally {
    for (const signal of SIGNALS) daemon.signals.off(signal, onSignal);
  }
}

/** Goes no further once a signal came, even where a part takes long to start. */
async function start(daemon: DaemonParts, signal: AbortSignal): Promise<void> {
  for (const part of daemon.parts) {
    if (signal.aborted) return;
    try {
      await Promise.race([part.start(), aborted(signal)]);
    } catch (error) {
      await stop(daemon);
      throw error;
    }
  }
}

/** Stops every part, the last one first. One that fails does not keep the others from stopping. */
async function stop(daemon: DaemonParts): Promise<number> {
  const stopped = new AbortController();
  let current = '';
  const stopAll = async () => {
    let code = 0;
    for (const part of daemon.parts.toReversed()) {
      current = part.name;
      try {
        await part.stop();
      } catch (error) {
        daemon.stopFailed(part.name, error);
        code = 1;
      }
    }
    return code;
  };
  const giveUp = async () => {
    await daemon.clock.sleep(STOP_WITHIN_MS, stopped.signal);
    daemon.stopFailed(
      current,
      new LarderError('TIMED_OUT', `stopping took longer than ${STOP_WITHIN_MS / 1000} seconds`),
    );
    return 1;
  };
  try {
    return await Promise.race([stopAll(), giveUp()]);
  } finally {
    stopped.abort();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
