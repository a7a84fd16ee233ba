import { setTimeout as delay } from 'node:timers/promises';
import { collectOutput, exitCode, failure, startChild, type Command } from './child.ts';
import { childrenOf, endedChildrenCpuSeconds, residentBytes } from './process-tree.ts';

export interface Measurement {
  readonly wallSeconds: number;
  /** Of the program and all its children, and of the server's processes that served it. */
  readonly cpuSeconds: number;
  /** The server's part of `cpuSeconds`. */
  readonly serverCpuSeconds: number;
  /** The most that the program and its children held at once, without the server. */
  readonly peakBytes: number;
}

const SAMPLE_INTERVAL = 100;
const SERVER_PATIENCE = 10_000;

/**
 * Runs a program and measures it; one at a time, since the CPU time is what this process's collected children grew by.
 *
 * @param postmaster process id of the server that the program talks to. Each session is a child of it, so its collected
 *   children grow by exactly what the walsender and every other session of the program took. The checkpointer, the
 *   archiver and what `archive_command` starts live on and are counted for nobody.
 * @throws Error with the program's last words when it fails; the signal's reason
 */
export async function measure(command: Command, postmaster?: number): Promise<Measurement> {
  if (postmaster !== undefined) {
    const [own, serverCpuSeconds] = await measureSessions(postmaster, () => measure(command));
    return { ...own, serverCpuSeconds, cpuSeconds: own.cpuSeconds + serverCpuSeconds };
  }
  const ownBefore = endedChildrenCpuSeconds(process.pid);
  const begun = performance.now();
  const child = startChild(command);
  const output = collectOutput(child);
  let peakBytes = 0;
  const sample = (): void => {
    if (child.pid !== undefined) peakBytes = Math.max(peakBytes, residentBytes(child.pid));
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL);
  const code = await exitCode(child).finally(() => clearInterval(timer));
  const wallSeconds = (performance.now() - begun) / 1000;
  const cpuSeconds = endedChildrenCpuSeconds(process.pid) - ownBefore;
  command.signal.throwIfAborted();
  if (code !== 0) throw failure(command, code, await output);
  return { wallSeconds, cpuSeconds, serverCpuSeconds: 0, peakBytes };
}

/** What `use` gives, and the CPU seconds of the sessions that it had at the server. */
export async function measureSessions<Result>(
  postmaster: number,
  use: () => Promise<Result>,
): Promise<[Result, number]> {
  const residents = new Set(childrenOf(postmaster));
  const before = endedChildrenCpuSeconds(postmaster);
  const result = await use();
  await sessionsEnded(postmaster, residents);
  return [result, endedChildrenCpuSeconds(postmaster) - before];
}

/** The kernel adds a session's time to the postmaster when that has collected it, shortly after the client is gone. */
async function sessionsEnded(postmaster: number, residents: ReadonlySet<number>): Promise<void> {
  const deadline = performance.now() + SERVER_PATIENCE;
  while (childrenOf(postmaster).some((pid) => !residents.has(pid))) {
    if (performance.now() > deadline) throw new Error('a session of the measured program does not end');
    await delay(10);
  }
}
