import { setTimeout as delay } from 'node:timers/promises';
import { collectOutput, exitCode, failure, startChild, type Command } from './child.ts';
import { ownCpuSeconds, residentBytes } from './process-tree.ts';

/** What a program took that ran until it was told to stop. */
export interface Consumption {
  /** The most that the program and its children held at once. */
  readonly peakBytes: number;
  /** Of the program itself until it was told to stop, without what it started. */
  readonly cpuSeconds: number;
}

/** A program that runs beside what is measured. */
export interface Background {
  /** CPU seconds of the program itself up to now, without what it started. */
  cpuSeconds(): number;
  /** Throws with its last words when it has ended by itself. */
  assertRunning(): Promise<void>;
  /** Ends it by SIGTERM. Throws when it had ended by itself, when it ends as a failure or not at all. */
  stop(): Promise<Consumption>;
  /** Ends it in whatever way works; for the way out of a failure. What it has said. */
  kill(): Promise<string>;
}

const SAMPLE_INTERVAL = 100;
const STOP_PATIENCE = 30_000;

/** Starts a program, and samples its memory until it ends. */
export function startBackground(command: Command): Background {
  const child = startChild(command);
  const output = collectOutput(child);
  let code: { readonly value: unknown } | undefined;
  let peakBytes = 0;
  const sample = (): void => {
    if (child.pid !== undefined) peakBytes = Math.max(peakBytes, residentBytes(child.pid));
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL);
  const ended = exitCode(child)
    .catch((error: unknown) => error)
    .then((value) => {
      clearInterval(timer);
      code = { value };
    });
  const assertRunning = async (): Promise<void> => {
    command.signal.throwIfAborted();
    if (code !== undefined) throw failure(command, code.value, await output);
  };
  const cpuSeconds = (): number => (child.pid === undefined ? 0 : ownCpuSeconds(child.pid));
  return {
    cpuSeconds,
    assertRunning,
    stop: async () => {
      await assertRunning();
      sample();
      const consumption = { peakBytes, cpuSeconds: cpuSeconds() };
      child.kill('SIGTERM');
      const patience = new AbortController();
      await Promise.race([
        ended,
        delay(STOP_PATIENCE, undefined, { signal: patience.signal }).catch(() => undefined),
      ]);
      patience.abort();
      if (code === undefined) throw failure(command, 'nothing: SIGTERM did not end it', '');
      if (!isStopped(code.value)) throw failure(command, code.value, await output);
      return consumption;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
      return output;
    },
  };
}

/** 0, or what a program that was told to stop answers: 130 is ours, 143 a shell's. */
function isStopped(code: unknown): boolean {
  return code === 0 || code === 130 || code === 143 || code === 'SIGTERM';
}
